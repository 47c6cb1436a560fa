import type { SignalRefusal } from '../core/signal-refusal.ts';
import type { ErrorCode } from '../errors.ts';

/** How a sender is told that its signal was not taken. */
export interface RefusalAnswer {
  readonly status: 400 | 403 | 409;
  readonly error: ErrorCode;
  /** Undefined where the sender is to learn no more than that. */
  readonly reason: SignalRefusal | undefined;
  readonly message: string;
}

const FORBIDDEN = {
  status: 403,
  error: 'forbidden',
  reason: undefined,
  message: 'This sender is not accepted. The strategy’s page says why.',
} as const;

const INACTIVE = refused('inactive', 'This strategy is switched off.');

/** Constant words, because anyone who knows the address reads them. */
const ANSWERS: Readonly<Record<SignalRefusal, RefusalAnswer>> = {
  inactive: INACTIVE,
  // A sender need not know whether the owner may still use this server.
  account_disabled: INACTIVE,
  bad_address: FORBIDDEN,
  bad_signature: FORBIDDEN,
  stale_signature: FORBIDDEN,
  malformed: {
    status: 400,
    error: 'invalid',
    reason: 'malformed',
    message: 'The message could not be read as a signal.',
  },
  outside_window: refused('outside_window', 'The strategy takes no signals at this time.'),
  symbol_not_in_strategy: refused(
    'symbol_not_in_strategy',
    'The strategy does not trade this symbol. Spell it as the strategy’s page does.',
  ),
  unknown_symbol: refused(
    'unknown_symbol',
    'The symbol is not in the instrument list. The strategy’s page says what to do.',
  ),
  ambiguous_symbol: refused(
    'ambiguous_symbol',
    'The symbol is the name of several instruments. The strategy must name one of them.',
  ),
  quantity_not_in_lots: refused(
    'quantity_not_in_lots',
    'The quantity is not a whole number of lots, so the broker would not take it.',
  ),
  quantity_too_large: refused('quantity_too_large', 'The strategy does not trade so many at once.'),
  broker_not_connected: reauthRequired(
    'broker_not_connected',
    'The broker is not connected. Sign in to Curfew, open Brokers, and connect it.',
  ),
  after_cutoff: reauthRequired(
    'after_cutoff',
    'The trading day ended at the cutoff. Sign in to Curfew, open Brokers, and connect the broker again.',
  ),
};

export function answerTo(why: SignalRefusal): RefusalAnswer {
  return ANSWERS[why];
}

function refused(reason: SignalRefusal, message: string): RefusalAnswer {
  return { status: 409, error: 'signal_refused', reason, message };
}

function reauthRequired(reason: SignalRefusal, message: string): RefusalAnswer {
  return { status: 409, error: 'broker_reauth_required', reason, message };
}

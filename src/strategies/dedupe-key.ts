import { createHash } from 'node:crypto';
import { HOUR_MS, SECOND_MS } from '../core/duration.ts';
import type { RequestedOrder } from './requested-order.ts';
import { SIGNATURE_TOLERANCE_MS } from './signature.ts';

export interface DedupeRule {
  readonly key: string;
  /** How long after the first delivery another one with this key is the same signal. */
  readonly windowMs: number;
}

/** A signal that is older than this is of no use to anyone who trades. */
const CLIENT_ID_WINDOW_MS = HOUR_MS;

/** For as long as a signature holds, from a sender whose clock is fast to one whose clock is slow. */
const SIGNED_WINDOW_MS = 2 * SIGNATURE_TOLERANCE_MS;

/**
 * TradingView, which names no signal, sends again after 5 seconds and up to three times when the answer was a 5xx, and
 * waits 3 seconds for each. A strategy that says the same every minute means it.
 */
const BODY_WINDOW_MS = 30 * SECOND_MS;

/**
 * By what a second delivery is known: the sender's own id, together with what was asked for, because "Long Entry" is an
 * id that some use for every entry; else the signature; else the very same text.
 */
export function dedupeRule(
  { clientId, action, exchange, tradingSymbol }: RequestedOrder,
  messageDigest: string | undefined,
  body: Buffer,
): DedupeRule {
  if (clientId !== undefined) {
    const named = JSON.stringify([clientId, action, exchange, tradingSymbol]);
    return { key: `id:${digest(named)}`, windowMs: CLIENT_ID_WINDOW_MS };
  }
  if (messageDigest !== undefined) return { key: `signed:${messageDigest}`, windowMs: SIGNED_WINDOW_MS };
  return { key: `body:${digest(body)}`, windowMs: BODY_WINDOW_MS };
}

function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url');
}

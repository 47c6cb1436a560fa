import { randomUUID } from 'node:crypto';
import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { CachedStrategy } from '../core/cached-values.ts';
import type { Clock } from '../core/clock.ts';
import { createHourlyQuota } from '../core/hourly-quota.ts';
import type { SignalRefusal } from '../core/signal-refusal.ts';
import { type FindTradedSymbol, unfitLot } from '../core/symbol.ts';
import type { CompoundLimiter } from '../http/compound-limiter.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { ActingSession } from '../sessions/session-actors.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import { dedupeRule } from './dedupe-key.ts';
import { completeOrder, type RequestedOrder } from './requested-order.ts';
import { checkSender, type Delivery } from './sender-check.ts';
import { readSignalBody } from './signal-body.ts';
import type { SignalCounts } from './signal-metrics.ts';
import type { AskedOrder, ReceivedSignal, SignalStore } from './signal-store.ts';
import type { FoundStrategy, StrategyReader } from './strategy-reader.ts';
import { isWithin } from './trading-window.ts';

/** What became of a delivery. */
export type IntakeResult =
  | { readonly kind: 'accepted' | 'duplicate'; readonly signalId: string }
  | { readonly kind: 'unknown_webhook' }
  | { readonly kind: 'rate_limited'; readonly retryAfterSeconds: number }
  | { readonly kind: 'refused'; readonly why: SignalRefusal; readonly fields?: FieldProblems };

type FieldProblems = Readonly<Record<string, string>>;

/** Undefined when the broker can be traded with now; else why not, where `cutoff` is the one reason that matters here. */
export type WhyBrokerNotConnected = (userId: string, broker: string) => Promise<string | undefined>;

export interface SignalIntakeDeps {
  readonly reader: StrategyReader;
  readonly signals: Pick<SignalStore, 'accept' | 'refuse'>;
  readonly findSymbol: FindTradedSymbol;
  readonly whyBrokerNotConnected: WhyBrokerNotConnected;
  readonly epochs: Pick<EpochStore, 'current'>;
  /** What the work writes counts only while nothing has ended the account: throws `SessionEndedError` otherwise. */
  readonly actFor: <T>(account: ActingSession, work: () => Promise<T>) => Promise<T>;
  /** Of senders that proved themselves, for each webhook. */
  readonly limiter: CompoundLimiter;
  /** Of the others: so that they use up nothing of the first. */
  readonly strangers: CompoundLimiter;
  /** Tells whoever waits for a person's signals, on every node. */
  readonly announce: (userId: string) => Promise<void>;
  readonly counts: SignalCounts;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export type SignalIntake = (
  webhookId: string,
  delivery: Delivery,
  origin: AuditOrigin,
) => Promise<IntakeResult>;

/** A delivery on its way through the checks. */
interface Arrival {
  readonly found: FoundStrategy;
  readonly delivery: Delivery;
  readonly receivedAt: number;
  readonly origin: AuditOrigin;
}

interface Refusal {
  readonly why: SignalRefusal;
  readonly order?: AskedOrder;
  readonly fields?: FieldProblems;
}

/** Of one strategy and reason, on each node: the audit log is kept for years. The others are in the strategy's history. */
const RECORDED_IN_AN_HOUR = 20;

/**
 * Takes a signal or says why not: the strategy, its sender, what the message says, the hours, the symbol, the owner, the
 * broker; in this order. A signal waits for nobody: what cannot be traded now is refused and not kept for later.
 */
export function createSignalIntake(deps: SignalIntakeDeps): SignalIntake {
  const { reader, signals, findSymbol, whyBrokerNotConnected, epochs, actFor, limiter, strangers } = deps;
  const { announce, counts, audit, clock } = deps;
  const recorded = createHourlyQuota({ clock, most: RECORDED_IN_AN_HOUR });

  return async function takeSignal(webhookId, delivery, origin) {
    const found = await reader.find(webhookId);
    if (found === undefined) return { kind: 'unknown_webhook' };
    const arrival = { found, delivery, receivedAt: clock.now(), origin };
    const { strategy } = found;

    if (!found.active) return refuseStranger(arrival, 'inactive');
    const sender = checkSender(strategy, delivery, arrival.receivedAt);
    if (sender.kind !== 'good') return refuseStranger(arrival, sender.kind);
    const taking = await limiter.take(strategy.id);
    if (taking.kind === 'limited') return limited(taking.retryAfterSeconds);

    const epoch = await epochs.current(strategy.userId);
    const judged = await judge(arrival);
    if ('why' in judged) return refuse(arrival, judged);
    const { userId } = strategy;
    const account = { userId, sid: undefined, epoch, loginTime: arrival.receivedAt };
    try {
      return await actFor(account, () => accept(arrival, judged, sender.messageDigest));
    } catch (error) {
      if (!(error instanceof SessionEndedError)) throw error;
      const why = (await askForBroker(strategy)) ?? 'broker_not_connected';
      return refuse(arrival, { why, order: judged });
    }
  };

  async function judge({ found, delivery, receivedAt }: Arrival): Promise<RequestedOrder | Refusal> {
    const { strategy } = found;
    const reading = readSignalBody(delivery.body);
    if (reading.kind === 'malformed') return { why: 'malformed', fields: reading.fields };
    const { message } = reading;
    const completed = completeOrder(message, strategy.symbols);
    if (completed.kind === 'malformed') return { why: 'malformed', order: message, fields: completed.fields };
    if (!isWithin(strategy, receivedAt)) return { why: 'outside_window', order: message };
    if (completed.kind !== 'order') return { why: completed.kind, order: message };
    const { order } = completed;
    const refusal = await judgeSymbol(strategy.broker, order);
    if (refusal !== undefined) return { ...refusal, order };
    if (found.ownerDisabled) return { why: 'account_disabled', order };
    const why = await askForBroker(strategy);
    return why === undefined ? order : { why, order };
  }

  async function judgeSymbol(broker: string, order: RequestedOrder): Promise<Refusal | undefined> {
    const { exchange, tradingSymbol, quantity } = order;
    const symbol = await findSymbol(broker, exchange, tradingSymbol);
    if (symbol.kind === 'unknown') return { why: 'unknown_symbol' };
    if (symbol.kind === 'ambiguous')
      return { why: 'ambiguous_symbol', fields: { symbol: `Say which: ${symbol.choices.join(', ')}.` } };
    const lot = unfitLot(quantity, symbol.lotSizes);
    return lot === undefined
      ? undefined
      : { why: 'quantity_not_in_lots', fields: { quantity: `Must be a multiple of the lot, ${lot}.` } };
  }

  /**
   * The cache is filled before the question and emptied after a no. Whoever ends everything of a person first makes the
   * answer no and then empties the caches: so either they find what was put in here, or this hears the no.
   */
  async function askForBroker(strategy: CachedStrategy): Promise<SignalRefusal | undefined> {
    reader.keep(strategy);
    const why = await whyBrokerNotConnected(strategy.userId, strategy.broker);
    if (why === undefined) return undefined;
    reader.forget(strategy);
    return why === 'cutoff' ? 'after_cutoff' : 'broker_not_connected';
  }

  async function accept(
    arrival: Arrival,
    order: RequestedOrder,
    messageDigest: string | undefined,
  ): Promise<IntakeResult> {
    const { receivedAt, delivery } = arrival;
    const signal = { ...toSignal(arrival), order };
    const { key, windowMs } = dedupeRule(order, messageDigest, delivery.body);
    const acceptance = await signals.accept({
      ...signal,
      dedupeKey: key,
      dedupeAfter: receivedAt - windowMs,
    });
    if (acceptance.kind === 'inactive') return refuse(arrival, { why: 'inactive', order });
    if (acceptance.kind === 'duplicate') {
      counts.duplicate();
      return { kind: 'duplicate', signalId: acceptance.id };
    }
    counts.accepted();
    await announce(signal.userId);
    return { kind: 'accepted', signalId: signal.id };
  }

  /** Of somebody who knows the address and has proved nothing more: written down as long as they are not too many. */
  async function refuseStranger(arrival: Arrival, why: SignalRefusal): Promise<IntakeResult> {
    const taking = await strangers.take(arrival.found.strategy.id);
    return taking.kind === 'limited' ? limited(taking.retryAfterSeconds) : refuse(arrival, { why });
  }

  async function refuse(arrival: Arrival, { why, order, fields }: Refusal): Promise<IntakeResult> {
    const { strategy } = arrival.found;
    counts.refused(why);
    await signals.refuse({ ...toSignal(arrival), order }, why, fields && describeFields(fields));
    if (recorded.take(`${strategy.id} ${why}`))
      await audit.record(
        {
          type: 'signal.refused',
          userId: strategy.userId,
          strategy: { id: strategy.id, name: strategy.name },
          why,
        },
        arrival.origin,
      );
    return fields === undefined ? { kind: 'refused', why } : { kind: 'refused', why, fields };
  }

  function limited(retryAfterSeconds: number): IntakeResult {
    counts.rateLimited();
    return { kind: 'rate_limited', retryAfterSeconds };
  }
}

/** `quantity: Must be 1 or more.` The words are those of the checks; nothing of the message is in them. */
function describeFields(fields: FieldProblems): string {
  return Object.entries(fields)
    .map(([field, problem]) => `${field}: ${problem}`)
    .join(' ');
}

function toSignal({ found, receivedAt }: Arrival): Omit<ReceivedSignal, 'order'> {
  const { id, userId, broker } = found.strategy;
  return { id: randomUUID(), userId, strategyId: id, broker, receivedAt };
}

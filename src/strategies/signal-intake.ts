import { randomUUID } from 'node:crypto';
import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { createHourlyQuota } from '../core/hourly-quota.ts';
import type { SignalRefusal } from '../core/signal-refusal.ts';
import type { CompoundLimiter } from '../http/compound-limiter.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { ActingSession } from '../sessions/session-actors.ts';
import { SessionEndedError } from '../sessions/session-storage.ts';
import { dedupeRule } from './dedupe-key.ts';
import type { RequestedOrder } from './requested-order.ts';
import { checkSender, type Delivery } from './sender-check.ts';
import type { SignalHistory } from './signal-history.ts';
import { describeFields, type FieldProblems, type Refusal, type SignalJudge } from './signal-judge.ts';
import type { SignalCounts } from './signal-metrics.ts';
import type { ReceivedSignal, SignalStore } from './signal-store.ts';
import type { FoundStrategy, StrategyReader } from './strategy-reader.ts';

/** The outcome of a delivery. */
export type IntakeResult =
  | { readonly kind: 'accepted' | 'duplicate'; readonly signalId: string }
  | { readonly kind: 'unknown_webhook' }
  | { readonly kind: 'rate_limited'; readonly retryAfterSeconds: number }
  | { readonly kind: 'refused'; readonly why: SignalRefusal; readonly fields?: FieldProblems };

export interface SignalIntakeDeps {
  readonly reader: Pick<StrategyReader, 'find'>;
  readonly signals: Pick<SignalStore, 'accept' | 'refuse'>;
  readonly judge: SignalJudge;
  readonly signalHistory: Pick<SignalHistory, 'keepBody'>;
  readonly epochs: Pick<EpochStore, 'current'>;
  /** Does work whose writes count only while nothing has ended the account: throws `SessionEndedError` otherwise. */
  readonly actFor: <T>(account: ActingSession, work: () => Promise<T>) => Promise<T>;
  /** Of senders that proved themselves, for each webhook. */
  readonly limiter: CompoundLimiter;
  /** Of the others: so that they use up nothing of the first. */
  readonly strangers: CompoundLimiter;
  /** Tells the programs that wait for a user's signals, on every node. */
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

/** Of one strategy and reason, on each node: the audit log is kept for years. The others are in the strategy's history. */
const RECORDED_IN_AN_HOUR = 20;

/**
 * Takes a signal or says why not: the strategy, its sender, what the message says, the hours, the symbol, the owner, the
 * broker; in this order. A signal does not wait: what cannot be traded now is refused and not kept for later.
 */
export function createSignalIntake(deps: SignalIntakeDeps): SignalIntake {
  const { reader, signals, judge, signalHistory, epochs, actFor, limiter, strangers } = deps;
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
    const judged = await judge.judge(found, delivery.body, arrival.receivedAt);
    if ('why' in judged) return refuse(arrival, judged);
    const { userId } = strategy;
    const account = { userId, sid: undefined, epoch, loginTime: arrival.receivedAt };
    try {
      return await actFor(account, () => accept(arrival, judged, sender.messageDigest));
    } catch (error) {
      if (!(error instanceof SessionEndedError)) throw error;
      const why = (await judge.askForBroker(strategy)) ?? 'broker_not_connected';
      return refuse(arrival, { why, order: judged });
    }
  };

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
    await signalHistory.keepBody(signal, delivery.body);
    return { kind: 'accepted', signalId: signal.id };
  }

  /** Of a sender who knows the address and has proved nothing more: written down as long as they are not too many. */
  async function refuseStranger(arrival: Arrival, why: SignalRefusal): Promise<IntakeResult> {
    const taking = await strangers.take(arrival.found.strategy.id);
    return taking.kind === 'limited' ? limited(taking.retryAfterSeconds) : refuse(arrival, { why });
  }

  async function refuse(arrival: Arrival, { why, order, fields }: Refusal): Promise<IntakeResult> {
    const { strategy } = arrival.found;
    counts.refused(why);
    const signal = { ...toSignal(arrival), order };
    await signals.refuse(signal, why, fields && describeFields(fields));
    await signalHistory.keepBody(signal, arrival.delivery.body);
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

function toSignal({ found, receivedAt }: Arrival): Omit<ReceivedSignal, 'order'> {
  const { id, userId, broker } = found.strategy;
  return { id: randomUUID(), userId, strategyId: id, broker, receivedAt };
}

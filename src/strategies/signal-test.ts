import { randomUUID } from 'node:crypto';
import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { createHourlyQuota } from '../core/hourly-quota.ts';
import type { SignalRefusal } from '../core/signal-refusal.ts';
import type { SignalHistory } from './signal-history.ts';
import { describeFields, type SignalJudge } from './signal-judge.ts';
import type { SignalStore } from './signal-store.ts';
import type { StrategyReader } from './strategy-reader.ts';
import type { Strategy } from './strategy-store.ts';

export interface SignalTestDeps {
  readonly reader: Pick<StrategyReader, 'read'>;
  readonly judge: SignalJudge;
  readonly signals: Pick<SignalStore, 'addTest'>;
  readonly signalHistory: Pick<SignalHistory, 'keepBody'>;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Of a user, on each node: each one stays in the history and in the audit log. */
export const MOST_TESTS_IN_AN_HOUR = 60;

/** `accepted`, or why a signal with this text would be refused now. `too_many`: it was not looked at. */
export type TestOutcome = 'accepted' | 'too_many' | SignalRefusal;

export type TestSignal = (
  strategy: Pick<Strategy, 'id' | 'userId' | 'name'>,
  text: string,
  origin: AuditOrigin,
) => Promise<TestOutcome>;

/**
 * A signal that the owner sends from the strategy's page. It is judged as one that comes in now, except for its sender and
 * for whether the strategy is switched on, and stays in the history as a test. It gets no cursor, so no program can fetch
 * it; no waiting program is woken, no later signal is a duplicate of it, and the metrics do not count it.
 */
export function createSignalTest(deps: SignalTestDeps): TestSignal {
  const { reader, judge, signals, signalHistory, audit, clock } = deps;
  const tests = createHourlyQuota({ clock, most: MOST_TESTS_IN_AN_HOUR });

  return async function testSignal({ id: strategyId, userId, name }, text, origin) {
    if (!tests.take(userId)) return 'too_many';
    const body = Buffer.from(text);
    const receivedAt = clock.now();
    const found = await reader.read(strategyId);
    if (found === undefined) return 'inactive';
    const judged = await judge.judge(found, body, receivedAt);
    const refusal = 'why' in judged ? judged : undefined;
    const order = 'why' in judged ? judged.order : judged;
    const signal = { id: randomUUID(), userId, strategyId, broker: found.strategy.broker, receivedAt, order };
    await signals.addTest(signal, refusal?.why, refusal?.fields && describeFields(refusal.fields));
    await signalHistory.keepBody(signal, body);
    const outcome = refusal?.why ?? 'accepted';
    await audit.record(
      { type: 'signal.tested', userId, strategy: { id: strategyId, name }, outcome },
      origin,
    );
    return outcome;
  };
}

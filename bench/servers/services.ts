import { randomUUIDv7 } from 'node:crypto';
import { RedisStore } from 'connect-redis';
import { Redis } from 'ioredis';
import { verifyChain } from '../../src/audit/chain-verification.ts';
import { connect } from '../../src/boot/connect.ts';
import { createLogger } from '../../src/boot/logger.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config.ts';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { systemClock } from '../../src/core/clock.ts';
import { ENTRIES_AT_ONCE } from '../../src/monitoring/traffic/traffic-log.ts';
import { createTrafficStore } from '../../src/monitoring/traffic/traffic-store.ts';
import { SESSION_PREFIX } from '../../src/sessions/redis/redis-keys.ts';
import { measureWork, type WorkFigures } from './measure-work.ts';

/** Curfew's services without its server: what a benchmark has them do. */
export type ServiceOrder =
  /** Ends every session from before the cutoff that is due. */
  | { readonly kind: 'sweep' }
  /** Drops the sessions as connect-redis would. */
  | { readonly kind: 'clear' }
  /** Each user's devices; and everything of each user. */
  | { readonly kind: 'list' | 'revoke'; readonly userIds: readonly string[] }
  /** Audit events, so many together. */
  | { readonly kind: 'audit'; readonly events: number; readonly atOnce: number }
  | { readonly kind: 'verify' }
  /** Batches of the traffic log. */
  | { readonly kind: 'traffic'; readonly batches: number };

export interface ServiceResult extends WorkFigures {
  /** Of what was done one after the other: how long each took. */
  readonly ms: readonly number[];
  /** What was ended, or proved. */
  readonly count: number;
}

const config = parseConfig(process.env);
const log = createLogger(config.logLevel);
const infrastructure = await connect(config, systemClock, log);
const services = compose({ config, infrastructure, log, internalOrigin: () => config.baseUrl });
const traffic = createTrafficStore(infrastructure.database);
process.on('message', (order: ServiceOrder) => void measure(order).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit());

async function measure(order: ServiceOrder): Promise<ServiceResult> {
  const ms: number[] = [];
  const { result: count, figures } = await measureWork(() =>
    carryOut(order, async (work) => {
      const begunAt = performance.now();
      await work();
      ms.push(performance.now() - begunAt);
    }),
  );
  return { ms, count, ...figures };
}

type Timed = (work: () => Promise<unknown>) => Promise<void>;

async function carryOut(order: ServiceOrder, timed: Timed): Promise<number> {
  switch (order.kind) {
    case 'sweep':
      return sweep();
    case 'clear':
      return clear();
    case 'list':
      for (const userId of order.userIds) await timed(() => services.registry.listByUser(userId));
      return order.userIds.length;
    case 'revoke':
      for (const userId of order.userIds)
        await timed(() => services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', SYSTEM_ORIGIN));
      return order.userIds.length;
    case 'audit':
      return audit(order, timed);
    case 'verify': {
      const { problem, rows } = await verifyChain(services.auditLog.rows);
      if (problem !== undefined) throw new Error(problem.message);
      return rows;
    }
    case 'traffic':
      for (let batch = 0; batch < order.batches; batch += 1) {
        const entries = Array.from({ length: ENTRIES_AT_ONCE }, newEntry);
        await timed(() => traffic.write({ entries, hours: [] }));
      }
      return order.batches;
  }
}

async function sweep(): Promise<number> {
  const receipt = await services.revocation.sweep.runIfDue();
  return receipt?.lines.find((line) => line.step === 'sessions')?.count ?? 0;
}

async function clear(): Promise<number> {
  const client = new Redis(process.env['REDIS_URL'] ?? '');
  await new RedisStore({ client, prefix: SESSION_PREFIX }).clear();
  client.disconnect();
  return 0;
}

async function audit(
  { events, atOnce }: { readonly events: number; readonly atOnce: number },
  timed: Timed,
): Promise<number> {
  for (let written = 0; written < events; written += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, events - written) }, (_, index) => ({
      type: 'session.ended' as const,
      userId: `user${(written + index) % 10_000}`,
      reason: 'cutoff' as const,
      sessions: 1,
    }));
    await timed(() => services.audit.recordMany(some, SYSTEM_ORIGIN));
  }
  return events;
}

function newEntry() {
  const person = Math.floor(Math.random() * 5_000);
  return {
    at: systemClock.now(),
    requestId: randomUUIDv7(),
    method: 'GET',
    pattern: '/broker',
    path: '/broker',
    routeClass: 'guarded',
    status: 200,
    aborted: false,
    durationMs: 3,
    bytes: 9_000,
    userId: `user${person}`,
    address: `10.0.${person >> 8}.${person & 255}`,
    requests: 1,
  };
}

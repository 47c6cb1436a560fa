import { inject } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { type CutoffCalendar, createCutoffCalendar } from '../../src/core/cutoff.ts';
import { createLivePolicy, type LivePolicy, type SessionPolicy } from '../../src/core/session-policy.ts';
import { createDatabaseSessionStorage } from '../../src/sessions/database/database-session-storage.ts';
import { DatabaseSessionStore } from '../../src/sessions/database/database-session-store.ts';
import { createRedisSessionStorage } from '../../src/sessions/redis/redis-session-storage.ts';
import { createSessionLifetime } from '../../src/sessions/session-lifetime.ts';
import type { SessionStorage } from '../../src/sessions/session-storage.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import type { RedisClient } from '../../src/storage/redis.ts';
import {
  createMemorySessionStorage,
  createMemorySessions,
} from '../interleavings/doubles/memory-sessions.ts';
import { noPause } from '../interleavings/doubles/pause.ts';
import { connectTo } from '../storage/redis-clients.ts';
import { postgresLocation } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';

/** One place where sessions live, and as many nodes on it as a test asks for. */
export interface SessionRig {
  readonly storage: SessionStorage;
  readonly policy: LivePolicy;
  readonly calendar: CutoffCalendar;
  /** What a store that failed in the background had to say. */
  readonly errors: readonly unknown[];
  /** Another node: the same sessions, a memory of its own. */
  anotherNode(): SessionStorage;
  close(): Promise<void>;
}

export const USUAL_POLICY: SessionPolicy = { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 1_800_000 };

/** What the gate does while Redis was never away. */
const OPEN_GATE = { pass: () => undefined };

type Open = (clock: Clock, policy?: SessionPolicy) => Promise<SessionRig>;

/** All places of the one contract; the doubles in memory are those that the interleavings run over. */
export const SESSION_RIGS: readonly (readonly [string, Open])[] = [
  ['SQLite', async (clock, policy) => onDatabase(await openMemory(), clock, policy)],
  [
    'Postgres',
    async (clock, policy) => onDatabase(await openDatabase(await postgresLocation()), clock, policy),
  ],
  [
    'Redis',
    async (clock, policy) =>
      onRedis(await connectTo(await createRedisDatabase({ url: inject('redisUrl') })), clock, policy),
  ],
  ['a double of a table', async (clock, policy) => inMemory(clock, policy, { indexedApart: false })],
  ['a double of an index apart', async (clock, policy) => inMemory(clock, policy, { indexedApart: true })],
];

export function openMemory(): Promise<Database> {
  return openDatabase({ dialect: 'sqlite', file: ':memory:' });
}

export function onDatabase(
  database: Database,
  clock: Clock,
  startPolicy: SessionPolicy = USUAL_POLICY,
): SessionRig {
  const shared = share(clock, startPolicy);
  const node = () => createDatabaseSessionStorage({ database, ...shared.deps });
  return { ...shared.rig, storage: node(), anotherNode: node, close: () => database.close() };
}

export function onRedis(
  redis: RedisClient,
  clock: Clock,
  startPolicy: SessionPolicy = USUAL_POLICY,
): SessionRig {
  const shared = share(clock, startPolicy);
  const node = () => createRedisSessionStorage({ redis, gate: OPEN_GATE, ...shared.deps });
  const close = () => Promise.resolve(redis.disconnect());
  return { ...shared.rig, storage: node(), anotherNode: node, close };
}

function inMemory(
  clock: Clock,
  startPolicy: SessionPolicy = USUAL_POLICY,
  { indexedApart }: { readonly indexedApart: boolean },
): SessionRig {
  const shared = share(clock, startPolicy);
  const stored = createMemorySessions();
  const pause = noPause;
  const deps = { stored, indexedApart, pause, gate: OPEN_GATE, Store: DatabaseSessionStore, ...shared.deps };
  const node = () => createMemorySessionStorage(deps);
  return { ...shared.rig, storage: node(), anotherNode: node, close: () => Promise.resolve() };
}

function share(clock: Clock, startPolicy: SessionPolicy) {
  const policy = createLivePolicy(startPolicy);
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => policy.current().cutoffTime });
  const lifetime = createSessionLifetime({ clock, calendar, policy });
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  return { deps: { clock, calendar, lifetime, onError }, rig: { policy, calendar, errors } };
}

import type { Config } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { createCutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import { createLivePolicy, type LivePolicy } from '../core/session-policy.ts';
import { createDatabaseSessionStorage } from '../sessions/database/database-session-storage.ts';
import { createRedisSessionStorage } from '../sessions/redis/redis-session-storage.ts';
import { createSessionGate, type SessionGate } from '../sessions/redis/session-gate.ts';
import { createSessionLifetime } from '../sessions/session-lifetime.ts';
import type { SessionStorage } from '../sessions/session-storage.ts';
import type { Bus } from '../storage/bus.ts';
import { type Database, openDatabase } from '../storage/database.ts';
import { createDatabaseBus } from '../storage/database-bus.ts';
import { readInstallationName } from '../storage/installation.ts';
import { connectRedis, createRedis, type RedisClient } from '../storage/redis.ts';
import { createRedisBus } from '../storage/redis-bus.ts';
import { type Channels, createRedisChannels } from '../storage/redis-channels.ts';

/** The services outside the process, opened and answering; and the clock. */
export interface Infrastructure {
  readonly clock: Clock;
  readonly policy: LivePolicy;
  readonly calendar: CutoffCalendar;
  readonly database: Database;
  /** Undefined in the embedded way of running. */
  readonly redis: RedisClient | undefined;
  readonly bus: Bus;
  /** Undefined in the embedded way of running. */
  readonly channels: Channels | undefined;
  readonly sessionStorage: SessionStorage;
  /** Undefined in the embedded way of running: the database cannot come back without its own revocations. */
  readonly gate: SessionGate | undefined;
  close(): Promise<void>;
}

const BUS_POLL_EVERY_MS = 500;

/** Opens the database and, where one is configured, Redis. Throws with words for the operator when one does not answer. */
export async function connect(config: Config, clock: Clock, log: Log): Promise<Infrastructure> {
  const policy = createLivePolicy(config.policy);
  const calendar = createCutoffCalendar({ clock, cutoffTime: () => policy.current().cutoffTime });
  const lifetime = createSessionLifetime({ clock, calendar, policy });
  const onError = (error: unknown): void =>
    log.warn({ err: error }, 'The store of sessions or messages does not answer');
  const database = await openDatabase(config.database);
  const base = { clock, policy, calendar, database };

  if (config.redis === undefined) {
    const bus = await createDatabaseBus({ database, clock, pollEveryMs: BUS_POLL_EVERY_MS, onError });
    return {
      ...base,
      redis: undefined,
      bus,
      channels: undefined,
      sessionStorage: createDatabaseSessionStorage({ database, clock, calendar, lifetime, onError }),
      gate: undefined,
      async close() {
        await bus.close();
        await database.close();
      },
    };
  }

  const redis = createRedis({ location: config.redis, onError });
  const subscriber = createRedis({ location: config.redis, onError, subscriber: true });
  const listener = createRedis({ location: config.redis, onError, subscriber: true });
  const { bus, channels } = await connectNodes().catch(async (error: unknown) => {
    for (const client of [redis, subscriber, listener]) client.disconnect();
    await database.close();
    throw error;
  });

  async function connectNodes(): Promise<{ bus: Bus; channels: Channels }> {
    await connectRedis(redis);
    await Promise.all([connectRedis(subscriber), connectRedis(listener)]);
    const installation = await readInstallationName(database);
    return {
      bus: await createRedisBus({ installation, publisher: redis, subscriber }),
      channels: createRedisChannels({ installation, publisher: redis, subscriber: listener }),
    };
  }

  const gate = createSessionGate(redis, log);
  return {
    ...base,
    redis,
    bus,
    channels,
    sessionStorage: createRedisSessionStorage({ redis, clock, calendar, lifetime, gate, onError }),
    gate,
    async close() {
      await bus.close();
      channels.close();
      redis.disconnect();
      await database.close();
    },
  };
}

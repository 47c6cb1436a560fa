import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { SECOND_MS } from '../core/duration.ts';
import { unavailable } from '../errors.ts';
import type { RedisLocation } from './redis-location.ts';

export type RedisClient = Redis | Cluster;

export const isCluster = (client: RedisClient): client is Cluster => client instanceof Cluster;

/** A guarded page must answer 503 within two seconds when Redis hangs; so no command may wait longer than this. */
const COMMAND_TIMEOUT_MS = 1.2 * SECOND_MS;

/**
 * A connection on which nothing was answered for so long is given up and made anew. A command that waits for the one
 * pipeline under way fails with it, instead of taking its own time after the other's; and a connection that a firewall has
 * forgotten does not stay the connection until TCP notices, which takes a quarter of an hour.
 */
const SILENCE_MS = 1.5 * SECOND_MS;
const CONNECT_WITHIN_MS = 5 * SECOND_MS;
const RECONNECT_EVERY_MS = 0.5 * SECOND_MS;

/**
 * Every command fails soon and by itself when Redis is down, paused or slow: nothing is queued for later, because a
 * person is waiting and a revocation has its own outbox. Commands of one tick go out together (autopipelining).
 */
const COMMON = {
  enableOfflineQueue: false,
  enableAutoPipelining: true as boolean,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  connectTimeout: COMMAND_TIMEOUT_MS,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // The bus subscribes on each new connection itself; ioredis never handles a failure of its own attempt.
  autoResubscribe: false,
  lazyConnect: true,
  // A master that became a replica: look for the new one.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
};

export interface CreateRedisOptions {
  readonly location: RedisLocation;
  /** Connection errors; they repeat while Redis is down. */
  readonly onError: (error: Error) => void;
  /** A connection for pub/sub: nothing but subscriptions goes over it. */
  readonly subscriber?: boolean;
}

/** Makes a client that is not connected yet: call `connectRedis`. */
export function createRedis({ location, onError, subscriber = false }: CreateRedisOptions): RedisClient {
  const client = createClient(location, { ...COMMON, enableAutoPipelining: !subscriber });
  client.on('error', onError);
  return client;
}

function createClient(location: RedisLocation, options: typeof COMMON): RedisClient {
  switch (location.kind) {
    case 'single':
      return new Redis(location.url, { ...options, retryStrategy: () => RECONNECT_EVERY_MS });
    case 'sentinel':
      return new SentinelClient({
        ...options,
        sentinels: location.sentinels.map((node) => ({ ...node })),
        name: location.master,
        db: location.db,
        ...(location.password === undefined ? {} : { password: location.password }),
        // A master that was cut off from its Sentinels, but not from here, goes on answering with what it knows.
        failoverDetector: true,
        retryStrategy: () => RECONNECT_EVERY_MS,
        sentinelRetryStrategy: () => RECONNECT_EVERY_MS,
      });
    case 'cluster': {
      const { enableAutoPipelining, lazyConnect, enableOfflineQueue, ...redisOptions } = options;
      return new Cluster([...location.urls], {
        // For the nodes that the Cluster names itself: those are told without a password.
        redisOptions: { ...redisOptions, ...credentialsIn(location.urls[0]) },
        enableAutoPipelining,
        enableOfflineQueue,
        lazyConnect,
        clusterRetryStrategy: () => RECONNECT_EVERY_MS,
        slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
      });
    }
  }
}

/**
 * A failover that is announced while ioredis asks a Sentinel for the master makes it give up for good: it has ended, and
 * every command fails. This one connects anew, until it is closed.
 */
class SentinelClient extends Redis {
  #isClosed = false;

  constructor(options: Omit<RedisOptions, 'replyMapping'>) {
    super(options);
    this.on('end', () => void setTimeout(() => this.#connectAnew(), RECONNECT_EVERY_MS).unref());
  }

  override disconnect(reconnect = false): void {
    this.#isClosed ||= !reconnect;
    super.disconnect(reconnect);
  }

  #connectAnew(): void {
    if (this.#isClosed || this.status !== 'end') return;
    // It is told of as an error event as well; and it has ended again then.
    this.connect().catch(() => undefined);
  }
}

function credentialsIn(url = 'redis://') {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** Connects, and throws with words for the person who set REDIS_URL when that fails. */
export async function connectRedis(client: RedisClient): Promise<void> {
  try {
    await Promise.race([client.connect(), failLate()]);
    await client.ping();
    await selectDatabase(client);
  } catch (error) {
    client.disconnect();
    if (error instanceof NoSuchDatabaseError) throw error;
    throw new Error('Redis (REDIS_URL) does not answer. Start it, or mend the address or password in .env.', {
      cause: error,
    });
  }
}

class NoSuchDatabaseError extends Error {
  override readonly name = 'NoSuchDatabaseError';
}

/** ioredis asks for the database by itself, and goes on in database 0 where there is none of that number. */
async function selectDatabase(client: RedisClient): Promise<void> {
  if (isCluster(client)) return;
  const { db = 0 } = client.options;
  if (db === 0) return;
  try {
    await client.select(db);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('out of range'))) throw error;
    const problem = `REDIS_URL names database ${db}, which this Redis does not have (see its setting "databases").`;
    throw new NoSuchDatabaseError(problem, { cause: error });
  }
}

/** Where no Sentinel answers, ioredis asks them for ever and never says that it failed. */
function failLate(): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error('No Redis was found in time')), CONNECT_WITHIN_MS).unref();
  });
}

/** Runs Redis commands; a failure of the connection becomes `unavailable`, since the person cannot mend it. */
export async function viaRedis<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw unavailable('The session store', error, 2);
  }
}

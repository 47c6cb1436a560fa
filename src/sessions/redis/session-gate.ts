import { MINUTE_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { createPoller, type Poller } from '../../core/poller.ts';
import { unavailable } from '../../errors.ts';
import { isCluster, type RedisClient } from '../../storage/redis.ts';
import { HEARTBEAT_KEY } from './redis-keys.ts';

/**
 * Stands before every read of a session in Redis. A Redis that was away may come back with older data (a snapshot, a
 * replica that had not heard of the last deletions), and then holds sessions that were ended. So after every absence
 * nothing is read until all that was ended has been ended again.
 */
export interface SessionGate {
  /** Throws `unavailable` while Redis is away or not yet brought up to date. */
  pass(): void;
  isOpen(): boolean;
  /** Sets the function that brings a returned Redis up to date. Until it is given, a closed gate stays closed. */
  recoverWith(recover: () => Promise<void>): void;
  readonly watch: Poller;
}

/** A pause of Redis that is longer than this and a command's time-out does not go unnoticed. */
const HEARTBEAT_MS = 500;

export function createSessionGate(redis: RedisClient, log: Log): SessionGate {
  let open = true;
  let absences = 0;
  let recover: () => Promise<void> = () => Promise.reject(new Error('There is no recovery yet'));

  function close(): void {
    if (open) log.warn({}, 'Redis is away: sessions are not read until it is back and brought up to date');
    open = false;
    absences += 1;
  }

  async function look(): Promise<void> {
    try {
      await beat(redis);
    } catch {
      close();
      return;
    }
    if (open) return;
    const before = absences;
    await recover();
    // It was away once more meanwhile, and may have forgotten what it was told: the next look begins anew.
    if (absences !== before) return;
    open = true;
    log.info({}, 'Redis is back and up to date: sessions are read again');
  }

  onAbsence(redis, close);
  const watch = createPoller({
    intervalMs: HEARTBEAT_MS,
    work: look,
    onError: (error) => log.error({ err: error }, 'Redis is back but could not be brought up to date yet'),
  });
  redis.on('ready', () => watch.wake());

  return {
    pass() {
      if (!open) throw unavailable('The session store', undefined, 2);
    },
    isOpen: () => open,
    recoverWith(given) {
      recover = given;
    },
    watch,
  };
}

/**
 * A write, not a ping: a full Redis, a replica, or a master that lost its replicas (min-replicas-to-write) answers pings
 * and reads, but holds sessions that it could not end. In a Cluster one of them stands for the index, which is one key.
 */
async function beat(redis: RedisClient): Promise<void> {
  const masters = isCluster(redis) ? redis.nodes('master') : [];
  await Promise.all([
    redis.set(HEARTBEAT_KEY, '', 'PX', MINUTE_MS),
    ...masters.map((master) => master.ping()),
  ]);
}

/** Events after which other data may stand in the place of those that were read until now. */
function onAbsence(redis: RedisClient, tell: () => void): void {
  redis.on('close', tell);
  if (!isCluster(redis)) return;
  // A Cluster closes only with its last node, and goes on where another one takes over.
  redis.on('-node', tell);
  let known = '';
  redis.on('refresh', () => {
    const masters = redis
      .nodes('master')
      .map(({ options }) => `${options.host}:${options.port}`)
      .sort()
      .join();
    if (known !== '' && masters !== known) tell();
    known = masters;
  });
}

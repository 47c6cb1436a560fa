import type { Log } from '../../core/log.ts';
import { createPoller, type Poller } from '../../core/poller.ts';
import { unavailable } from '../../errors.ts';
import type { RedisClient } from '../../storage/redis.ts';

/**
 * Stands before every read of a session in Redis. A Redis that was away may come back with older data (a snapshot, a
 * replica that had not heard of the last deletions), and then holds sessions that were ended. So after every absence
 * nothing is read until all that was ended has been ended again.
 */
export interface SessionGate {
  /** Throws `unavailable` while Redis is away or not yet brought up to date. */
  pass(): void;
  isOpen(): boolean;
  /** What brings a returned Redis up to date. Until it is given, a closed gate stays closed. */
  recoverWith(recover: () => Promise<void>): void;
  readonly watch: Poller;
}

/** A pause of Redis that is longer than this and a command's time-out does not go unnoticed. */
const HEARTBEAT_MS = 500;

export function createSessionGate(redis: RedisClient, log: Log): SessionGate {
  let open = true;
  let recover: () => Promise<void> = () => Promise.reject(new Error('There is no recovery yet'));

  function close(): void {
    if (open) log.warn({}, 'Redis is away: sessions are not read until it is back and brought up to date');
    open = false;
  }

  async function look(): Promise<void> {
    try {
      await redis.ping();
    } catch {
      close();
      return;
    }
    if (open) return;
    await recover();
    open = true;
    log.info({}, 'Redis is back and up to date: sessions are read again');
  }

  redis.on('close', close);
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

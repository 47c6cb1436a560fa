import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';

export interface ActivityDeps {
  readonly clock: Clock;
  readonly idleLimitMs: () => number;
  /** Stores when a session was last used. */
  readonly write: (sid: string, lastSeen: number) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps the idle clock of sessions without a write for every request: the first use in a minute is due to be written
 * at once (by the caller, in the same breath as the load), later ones are remembered and written when the minute is over.
 * With an idle limit of seconds every use is due at once.
 */
export interface Activity {
  /** Notes a use; true when the caller should write it now. */
  noteUse(sid: string): boolean;
  /** The session was written just now anyway. */
  noteWritten(sid: string): void;
  /** Writes the remembered uses whose minute is over; with `all`, every one. */
  flush(options?: { all: boolean }): Promise<void>;
}

interface Use {
  writtenAt: number;
  lastSeen: number;
}

/** Below this limit, a third of it and the seconds between two flushes could be longer than the limit itself. */
const WRITTEN_AT_ONCE_BELOW_MS = 15 * SECOND_MS;
const MAXIMUM_REMEMBERED = 200_000;

export function createActivity({ clock, idleLimitMs, write, onError }: ActivityDeps): Activity {
  const uses = new LRUCache<string, Use>(atMost(MAXIMUM_REMEMBERED));
  const pending = new Set<string>();
  /** With a short idle limit a minute would be too long: what is remembered must be written before it is needed. */
  const everyMs = () =>
    idleLimitMs() < WRITTEN_AT_ONCE_BELOW_MS ? 0 : Math.min(MINUTE_MS, idleLimitMs() / 3);

  async function writePending(sid: string): Promise<void> {
    const use = uses.get(sid);
    pending.delete(sid);
    if (use === undefined) return;
    const { writtenAt } = use;
    use.writtenAt = clock.now();
    try {
      await write(sid, use.lastSeen);
    } catch (error) {
      use.writtenAt = writtenAt;
      pending.add(sid);
      throw error;
    }
  }

  return {
    noteUse(sid) {
      const now = clock.now();
      const use = uses.get(sid);
      if (use !== undefined && now - use.writtenAt < everyMs() && now >= use.writtenAt) {
        use.lastSeen = now;
        pending.add(sid);
        return false;
      }
      uses.set(sid, { writtenAt: now, lastSeen: now });
      pending.delete(sid);
      return true;
    },
    noteWritten(sid) {
      const now = clock.now();
      uses.set(sid, { writtenAt: now, lastSeen: now });
    },
    async flush({ all } = { all: false }) {
      const due = [...pending].filter(
        (sid) => all || clock.now() - (uses.peek(sid)?.writtenAt ?? 0) >= everyMs(),
      );
      const outcomes = await Promise.allSettled(due.map(writePending));
      // One report for all: they stay remembered, and the next flush writes them.
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) onError(failed.reason);
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import type { AuditListener } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import { readBanSubject } from './ban-subject.ts';
import type { KnownAddress, KnownAddressStore } from './known-address-store.ts';
import type { ProtectedAddresses } from './protected-addresses.ts';

/** The addresses that people are signed in from: on all nodes, beyond a restart, and for thirty days. */
export interface KnownAddresses {
  /** A signed-in person uses it. Never throws and is never waited for. */
  note(subject: string, userId: string): void;
  /** Notes where people sign in. */
  readonly listener: AuditListener;
  /** Which of these subjects (at most 500) are known. Asks the database. */
  findAmong(subjects: readonly string[]): Promise<ReadonlySet<string>>;
  /** Nothing waits to be written. */
  readonly isIdle: boolean;
  /** Deletes those that are long unused, and the oldest where there are too many. */
  trim(): Promise<void>;
}

export interface KnownAddressesDeps {
  readonly knownStore: KnownAddressStore;
  readonly protectedAddresses: ProtectedAddresses;
  readonly clock: Clock;
  readonly log: Log;
}

const KEPT_MS = 30 * DAY_MS;
const RENEWED_AFTER_MS = DAY_MS;
/** In the database: of everyone together, and of one person, who could otherwise push out all others. */
export const MOST_KNOWN = 50_000;
export const MOST_OF_ONE = 100;
/** In memory, only so that what was written today is not written again. */
const REMEMBERED = 10_000;
/** Waiting to be written. More at a time come again with their next request. */
const MOST_WAITING = 500;
const PAUSE_MS = 50;

/** Writes behind the requests, and the same address of the same person once a day at most. */
export function createKnownAddresses(deps: KnownAddressesDeps): KnownAddresses {
  const { knownStore, protectedAddresses, clock, log } = deps;
  const written = new LRUCache<string, number>(atMost(REMEMBERED));
  let waiting = new Map<string, KnownAddress>();
  let writing: Promise<void> | undefined;
  let failing = false;

  function note(subject: string, userId: string): void {
    const now = clock.now();
    const key = `${subject} ${userId}`;
    const before = written.get(key);
    if (before !== undefined && Math.abs(now - before) < RENEWED_AFTER_MS) return;
    if (waiting.size >= MOST_WAITING) return;
    written.set(key, now);
    // A subject that cannot be banned need not be known.
    if (readBanSubject(subject) === undefined || protectedAddresses.whyProtected(subject) !== undefined)
      return;
    waiting.set(key, { subject, userId, at: now });
    writing ??= writeAll();
  }

  async function writeAll(): Promise<void> {
    while (waiting.size > 0) {
      const round = waiting;
      waiting = new Map();
      await write(round);
      if (waiting.size > 0) await sleep(PAUSE_MS, undefined, { ref: false });
    }
    writing = undefined;
  }

  async function write(round: ReadonlyMap<string, KnownAddress>): Promise<void> {
    try {
      await knownStore.put([...round.values()], MOST_OF_ONE);
      failing = false;
    } catch (error) {
      // Their next request brings them again.
      for (const key of round.keys()) written.delete(key);
      if (!failing) log.warn({ err: error }, 'The addresses that people are signed in from were not saved');
      failing = true;
    }
  }

  return {
    note,
    listener: async (events, { address }) => {
      const subject = address === undefined ? undefined : readBanSubject(address);
      for (const event of events)
        if (event.type === 'login.succeeded' && subject !== undefined) note(subject, event.userId);
    },
    findAmong: async (subjects) =>
      new Set(subjects.length === 0 ? [] : await knownStore.findAmong(subjects, clock.now() - KEPT_MS)),
    get isIdle() {
      return writing === undefined;
    },
    trim: () => knownStore.trim(clock.now() - KEPT_MS, MOST_KNOWN),
  };
}

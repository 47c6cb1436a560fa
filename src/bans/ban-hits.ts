import { setTimeout as sleep } from 'node:timers/promises';
import { BAN_CAUSES, type BanCause } from '../core/ban-policy.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { BanHit, BanHitStore } from './ban-hit-store.ts';
import type { BanIndex } from './ban-index.ts';
import { readBanSubject } from './ban-subject.ts';
import type { KnownAddresses } from './known-addresses.ts';
import type { OffenceThrottle } from './offence-throttle.ts';
import type { ProtectedAddresses } from './protected-addresses.ts';

/** Counts what addresses do, and has those banned that do too much of it; those that people sign in from are slowed down. */
export interface BanHits {
  /**
   * Never throws and is never waited for. Where the address is slowed down, returns how many seconds its next offence has
   * to wait.
   */
  note(cause: BanCause, address: string): number | undefined;
  /** Until what the subject has just done is counted, and its ban in force if there is one; undefined: nothing is open. */
  settled(subject: string): Promise<void> | undefined;
  /** No hit is waiting to be counted. */
  readonly isIdle: boolean;
  /** How many are not counted yet. */
  readonly waiting: number;
  /** Since the process started. */
  readonly counted: ReadonlyMap<BanCause, number>;
  /** Those that were one too many to be remembered, or that the database did not take. */
  lost(): number;
}

export interface BanHitsDeps {
  readonly hitStore: Pick<BanHitStore, 'add' | 'count' | 'trim'>;
  readonly banIndex: Pick<BanIndex, 'rules' | 'isAllowed' | 'isBanned'>;
  readonly protectedAddresses: ProtectedAddresses;
  /** Addresses that nothing is held against. */
  readonly sharedSenders: readonly string[];
  readonly knownAddresses: Pick<KnownAddresses, 'findAmong'>;
  readonly throttle: Pick<OffenceThrottle, 'begin' | 'takeWait'>;
  /** Bans the subject for its next offence. */
  readonly banOffender: (subject: string, cause: BanCause) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of one round. More addresses at a time are a flood, of which some go uncounted. */
const MOST_SUBJECTS = 500;
/** Of all addresses together, in the database: the oldest go first. */
export const MOST_HITS = 100_000;
const TRIM_AFTER = 5000;
/** Between rounds when more came meanwhile: so a flood of any size costs twenty transactions a second. */
const PAUSE_MS = 50;

/** The writes of one transaction. */
interface Round {
  readonly hits: Map<string, BanHit[]>;
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/**
 * One round writes what came since the last one began, so the first hit is counted at once and a thousand are counted
 * together. The hits of all nodes are in one table, and one that is added is counted afterwards: the node that adds the last one
 * sees them all.
 */
export function createBanHits(deps: BanHitsDeps): BanHits {
  const { hitStore, banIndex, protectedAddresses, sharedSenders, banOffender, clock, log } = deps;
  const { knownAddresses, throttle } = deps;
  const counted = new Map<BanCause, number>(BAN_CAUSES.map((cause) => [cause, 0]));
  let lost = 0;
  let addedSinceTrim = 0;
  let gathering: Round | undefined;
  let writing: Round | undefined;

  function note(cause: BanCause, address: string): number | undefined {
    const subject = readBanSubject(address);
    const { automatic, count } = banIndex.rules().thresholds[cause];
    if (subject === undefined || !automatic || banIndex.isBanned(subject)) return undefined;
    if (sharedSenders.includes(address)) return undefined;
    if (banIndex.isAllowed(address) || protectedAddresses.whyProtected(subject) !== undefined)
      return undefined;
    counted.set(cause, (counted.get(cause) ?? 0) + 1);
    const waitSeconds = throttle.takeWait(cause, subject);
    if (waitSeconds === undefined) gather({ subject, cause, at: clock.now() }, count);
    return waitSeconds;
  }

  function gather(hit: BanHit, enough: number): void {
    gathering ??= newRound();
    const hits = gathering.hits.get(hit.subject) ?? [];
    // So many are enough to be banned for.
    const isOneTooMany = hits.length >= enough || (hits.length === 0 && gathering.hits.size >= MOST_SUBJECTS);
    if (isOneTooMany) lost += 1;
    else gathering.hits.set(hit.subject, [...hits, hit]);
    if (writing === undefined) void writeRounds();
  }

  async function writeRounds(): Promise<void> {
    while (gathering !== undefined) {
      writing = gathering;
      gathering = undefined;
      await write(writing).catch((error: unknown) => giveUp(writing, error));
      writing.finish();
      if (gathering !== undefined) await sleep(PAUSE_MS, undefined, { ref: false });
    }
    writing = undefined;
  }

  /** Adding is not tried again: a database that did not answer in time may have done it. Counting is, it changes nothing. */
  async function write({ hits }: Round): Promise<void> {
    const all = [...hits.values()].flat();
    await hitStore.add(all);
    try {
      await judge(all);
    } catch {
      await sleep(PAUSE_MS, undefined, { ref: false });
      await judge(all);
    }
    await trimWhenMany(all.length);
  }

  async function judge(hits: readonly BanHit[]): Promise<void> {
    const { thresholds } = banIndex.rules();
    for (const cause of BAN_CAUSES) {
      const subjects = [...new Set(hits.filter((hit) => hit.cause === cause).map((hit) => hit.subject))];
      if (subjects.length === 0) continue;
      const { count, windowMs } = thresholds[cause];
      const counts = await hitStore.count(cause, subjects, clock.now() - windowMs);
      const offenders = counts.filter((each) => each.hits >= count).map(({ subject }) => subject);
      const known = await knownAddresses.findAmong(offenders);
      for (const subject of offenders) {
        if (known.has(subject)) throttle.begin(cause, subject);
        else await banOffender(subject, cause);
      }
    }
  }

  async function trimWhenMany(added: number): Promise<void> {
    addedSinceTrim += added;
    if (addedSinceTrim < TRIM_AFTER) return;
    addedSinceTrim = 0;
    const windows = Object.values(banIndex.rules().thresholds).map(({ windowMs }) => windowMs);
    await hitStore.trim(clock.now() - Math.max(...windows), MOST_HITS);
  }

  function giveUp(round: Round | undefined, error: unknown): void {
    lost += countHits(round);
    log.warn({ err: error }, 'What counts towards bans could not be counted');
  }

  return {
    note,
    settled: (subject) => [gathering, writing].find((round) => round?.hits.has(subject))?.done,
    get isIdle() {
      return writing === undefined;
    },
    get waiting() {
      return countHits(gathering) + countHits(writing);
    },
    counted,
    lost: () => lost,
  };
}

function countHits(round: Round | undefined): number {
  return [...(round?.hits.values() ?? [])].flat().length;
}

function newRound(): Round {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { hits: new Map(), done: promise, finish: resolve };
}

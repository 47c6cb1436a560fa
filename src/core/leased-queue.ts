import type { Clock } from './clock.ts';
import { MINUTE_MS } from './duration.ts';
import { createPoller, type Poller } from './poller.ts';

/** How many of a queue's entries came to which end. */
export type Tally<Outcome extends string> = Readonly<Record<Outcome, number>>;

/** Which entries a node takes, and for how long no other node gets them. */
export interface LeaseOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly limit: number;
  readonly leaseMs: number;
}

export interface LeasedDrainOptions<Claim, Outcome extends string> {
  readonly outcomes: readonly Outcome[];
  /** Takes what is due, with a lease: a node that dies gives its claims up by itself. */
  readonly claimDue: (lease: LeaseOptions) => Promise<readonly Claim[]>;
  /** Settles a claim: done, given up, or put off until later. What it leaves due is claimed again at once. */
  readonly work: (claim: Claim) => Promise<Partial<Tally<Outcome>>>;
  /** When nothing is due any more. */
  readonly afterwards?: (tally: Tally<Outcome>) => Promise<unknown>;
  readonly clock: Clock;
}

/** Works on everything that is due, once; several nodes may do so at the same time. */
export interface LeasedDrain<Outcome extends string> {
  (): Promise<Tally<Outcome>>;
  /** Since the process started. */
  readonly counted: Tally<Outcome>;
  /** Takes nothing more until the present round is over. */
  interrupt(): void;
}

export interface LeasedQueue<Outcome extends string> extends Poller {
  readonly drain: () => Promise<Tally<Outcome>>;
  readonly counted: Tally<Outcome>;
}

const AT_ONCE = 8;
/** Well above the time-out of any call to another server. */
const LEASE_MS = MINUTE_MS;

export function createLeasedDrain<Claim, Outcome extends string>({
  outcomes,
  claimDue,
  work,
  afterwards,
  clock,
}: LeasedDrainOptions<Claim, Outcome>): LeasedDrain<Outcome> {
  const none = () => Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  const counted = none();
  let underWay: Promise<Tally<Outcome>> | undefined;
  let interrupted = false;

  async function drainAll(): Promise<Tally<Outcome>> {
    const tally = none();
    while (!interrupted) {
      const claims = await claimDue({ now: clock.now(), limit: AT_ONCE, leaseMs: LEASE_MS });
      if (claims.length === 0) break;
      for (const ends of await Promise.all(claims.map(work)))
        for (const outcome of outcomes) {
          tally[outcome] += ends[outcome] ?? 0;
          counted[outcome] += ends[outcome] ?? 0;
        }
    }
    await afterwards?.(tally);
    return tally;
  }

  function drain(): Promise<Tally<Outcome>> {
    underWay ??= drainAll().finally(() => {
      underWay = undefined;
      interrupted = false;
    });
    return underWay;
  }

  return Object.assign(drain, {
    counted,
    interrupt() {
      interrupted = underWay !== undefined;
    },
  });
}

/** A drain that a timer repeats: `start`, `wake` after an entry was added, `stop`. */
export function createLeasedQueue<Claim, Outcome extends string>(
  options: LeasedDrainOptions<Claim, Outcome> & {
    readonly intervalMs: number;
    readonly onError: (error: unknown) => void;
  },
): LeasedQueue<Outcome> {
  const drain = createLeasedDrain(options);
  const { start, wake, stop } = createPoller({ ...options, work: drain });
  return {
    drain,
    counted: drain.counted,
    start,
    wake,
    stop() {
      drain.interrupt();
      return stop();
    },
  };
}

/**
 * Milliseconds to wait after so many failures in a row: twice as long each time, up to the longest, and up to a quarter
 * more by chance, so that a server that comes back is not met by all entries at once. `random` is in [0, 1).
 */
export function backoffMs(options: {
  readonly failures: number;
  readonly firstMs: number;
  readonly longestMs: number;
  readonly random?: number;
}): number {
  const { failures, firstMs, longestMs, random = 0 } = options;
  return Math.round(Math.min(longestMs, firstMs * 2 ** (failures - 1) * (1 + random / 4)));
}

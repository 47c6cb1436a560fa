import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import { HOUR_MS, SECOND_MS } from '../core/duration.ts';
import {
  type CompoundLimiter,
  type CompoundLimiterDeps,
  createCompoundLimiter,
  type Taking,
} from '../http/compound-limiter.ts';

/** One attempt at an account in so long: 8,641 in 24 hours at most, from however many addresses. */
const TURN_SECONDS = 10;
/** At one account. Who waits is answered within half a minute or so: before browsers and proxies give up. */
const MOST_IN_LINE = 3;
const LONGEST_WAIT_MS = 40 * SECOND_MS;
/** At all accounts together: each is a connection that is kept open. */
const MOST_WAITING = 200;
const REMEMBERED_ARRIVALS = 50_000;

/**
 * The way in past a limit that others have reached. Attempts at an account take turns here, and a network has a small
 * budget of its own, so an owner with a new device waits some seconds and is not refused for what strangers did.
 */
export interface SlowLane {
  /** Resolves when it is the attempt's turn, or says when to try again. Throws `unavailable` when Redis does not answer. */
  enter(account: string, network: string): Promise<Turn>;
}

export type Turn =
  | Pick<Extract<Taking, { kind: 'taken' }>, 'kind' | 'giveBack'>
  | {
      readonly kind: 'limited';
      readonly retryAfterSeconds: number;
      /** Of the network, for all accounts: not only this line was full. */
      readonly isBudgetSpent: boolean;
    };

export interface SlowLaneDeps extends Pick<CompoundLimiterDeps, 'limits' | 'redis'> {
  readonly turnSeconds?: number;
  readonly mostInLine?: number;
}

interface Waiter {
  readonly network: string;
  /** How often this network has come for this account in the last hour. */
  readonly arrivals: number;
  readonly since: number;
  readonly answer: (hasTurn: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Turns are counted in Redis for all nodes; each node orders its own line. The network that has come for the account least
 * often goes first, and takes the place of the one that has come most often where the line is full: so a client that hammers
 * waits behind one that has just come. `limits` is what a network may fail in.
 */
export function createSlowLane(deps: SlowLaneDeps): SlowLane {
  const { limits, redis, turnSeconds = TURN_SECONDS, mostInLine = MOST_IN_LINE } = deps;
  const what = 'Sign-in';
  const budgets = createCompoundLimiter({ name: 'login:slow', what, limits, redis });
  const turns = createCompoundLimiter({
    name: 'login:turn',
    what,
    limits: [{ points: 1, durationSeconds: turnSeconds }],
    redis,
  });
  const waitForTurn = createLines(turns, mostInLine);

  return {
    async enter(account, network) {
      const budget = await budgets.take(network);
      if (budget.kind === 'limited') return { ...budget, isBudgetSpent: true };
      const hasTurn = await waitForTurn(account, network).catch(async (error: unknown) => {
        await budget.giveBack();
        throw error;
      });
      if (hasTurn) return budget;
      await budget.giveBack();
      return { kind: 'limited', retryAfterSeconds: turnSeconds, isBudgetSpent: false };
    },
  };
}

/** The lines, one for each account; true where the attempt has its turn. */
function createLines(turns: Pick<CompoundLimiter, 'take'>, mostInLine: number) {
  const lines = new Map<string, Waiter[]>();
  const arrivals = new LRUCache<string, number>({
    ...atMost(REMEMBERED_ARRIVALS),
    ttl: HOUR_MS,
  });
  let waiting = 0;

  function countArrival(account: string, network: string): number {
    const key = `${account} ${network}`;
    const before = arrivals.get(key) ?? 0;
    arrivals.set(key, before + 1);
    return before;
  }

  /** Sends away the last in a full line, where that one has come more often than the newcomer. */
  function makeRoom(line: Waiter[], newcomer: Waiter): boolean {
    if (line.length < mostInLine) return true;
    const last = line.at(-1);
    if (last === undefined || last.arrivals <= newcomer.arrivals) return false;
    dismiss(line, last);
    return true;
  }

  function dismiss(line: Waiter[], waiter: Waiter): void {
    leave(line, waiter);
    waiter.answer(false);
  }

  function leave(line: Waiter[], waiter: Waiter): void {
    line.splice(line.indexOf(waiter), 1);
    waiting -= 1;
  }

  async function serve(account: string, line: Waiter[]): Promise<void> {
    try {
      while (line.length > 0) {
        const turn = await turns.take(account);
        if (turn.kind === 'limited')
          await sleep(turn.retryAfterSeconds * SECOND_MS, undefined, { ref: false });
        else callFirst(line);
        const longestAgo = performance.now() - LONGEST_WAIT_MS;
        for (const waiter of line.filter(({ since }) => since < longestAgo)) dismiss(line, waiter);
      }
    } catch (error) {
      for (const waiter of [...line]) {
        leave(line, waiter);
        waiter.fail(error);
      }
    } finally {
      lines.delete(account);
    }
  }

  function callFirst(line: Waiter[]): void {
    const [first] = line;
    if (first === undefined) return;
    leave(line, first);
    first.answer(true);
  }

  return function waitForTurn(account: string, network: string): Promise<boolean> {
    return new Promise((answer, fail) => {
      const waiter = {
        network,
        arrivals: countArrival(account, network),
        since: performance.now(),
        answer,
        fail,
      };
      const line = lines.get(account);
      const isFull = waiting >= MOST_WAITING || line?.some((other) => other.network === network);
      if (isFull || (line !== undefined && !makeRoom(line, waiter))) return answer(false);
      waiting += 1;
      if (line !== undefined) return insert(line, waiter);
      const started = [waiter];
      lines.set(account, started);
      void serve(account, started);
    });
  };
}

/** Behind those that have come as seldom. */
function insert(line: Waiter[], waiter: Waiter): void {
  const at = line.findIndex((other) => other.arrivals > waiter.arrivals);
  line.splice(at === -1 ? line.length : at, 0, waiter);
}

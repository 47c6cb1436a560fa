import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import { SECOND_MS } from '../core/duration.ts';
import { addressBucket, networkBucket } from '../http/client-address.ts';
import { createCompoundLimiter, type RateLimit, type Taking } from '../http/compound-limiter.ts';
import type { HashLane } from './hash-queue.ts';
import { createSlowLane, type SlowLaneDeps } from './slow-lane.ts';

/** LOGIN_RATE_LIMIT holds for an address; an account takes ten times as much from all strangers together. */
const ACCOUNT_FACTOR = 10;
/** So does an IPv6 /48, which has 65,536 addresses of the kind that is counted. */
const NETWORK_FACTOR = 10;
const REMEMBERED_REFUSALS = 10_000;
/** Then one is looked at again: a success elsewhere may have given points back. */
const REFUSED_UNSEEN_MS = 2 * SECOND_MS;

export interface LoginAttempt {
  readonly address: string;
  readonly usernameKey: string;
  /** The device that the browser's cookie names for this username, if any. */
  readonly device: string | undefined;
}

export type Admission =
  | (Pick<Extract<Taking, { kind: 'taken' }>, 'kind' | 'giveBack'> & {
      /** Where the password waits to be checked. */
      readonly lane: HashLane;
    })
  | (Pick<Extract<Taking, { kind: 'limited' }>, 'kind' | 'retryAfterSeconds'> & {
      /** Once for each limit that was reached: a flood of refused attempts must not become a flood of records. */
      readonly worthRecording: boolean;
    });

/**
 * Limits guessing (ASVS 6.3.1) without letting a stranger lock an owner out (6.1.1). An attempt is counted by address,
 * network and account, or, from a browser on which the user has signed in before, by that device alone. An address that is
 * over its limit is refused. Where others have used up what a network or an account takes, the attempt waits its turn in
 * the slow lane. docs/limits.md has what a guesser gets out of all that together.
 */
export interface LoginLimiter {
  /** Takes the points before the password is looked at, so that attempts at the same time count too. */
  admit(attempt: LoginAttempt): Promise<Admission>;
  /**
   * In how many seconds to try again, where an attempt from this address's /48 was refused a moment ago whatever name it
   * gave. Counts nothing and asks no store.
   */
  findRefused(address: string): number | undefined;
}

export interface LoginLimiterDeps {
  /** LOGIN_RATE_LIMIT. */
  readonly limits: readonly RateLimit[];
  readonly redis?: Parameters<typeof createCompoundLimiter>[0]['redis'];
  readonly slowLane?: Pick<SlowLaneDeps, 'turnSeconds' | 'mostInLine'>;
}

/** Throws `unavailable` from `admit` when Redis does not answer: without it no sign-in is possible anyway. */
export function createLoginLimiter({ limits, redis, slowLane }: LoginLimiterDeps): LoginLimiter {
  const create = (name: string, factor = 1) =>
    createCompoundLimiter({
      name: `login:${name}`,
      what: 'Sign-in',
      limits: limits.map((limit) => ({ ...limit, points: limit.points * factor })),
      redis,
    });
  const byAddress = create('address');
  const byNetwork = create('network', NETWORK_FACTOR);
  const byAccount = create('account', ACCOUNT_FACTOR);
  const byDevice = create('device');
  const slow = createSlowLane({ limits, redis, ...slowLane });
  const refusals = new LRUCache<string, true>(atMost(REMEMBERED_REFUSALS));

  const closed = new LRUCache<string, number>({
    ...atMost(REMEMBERED_REFUSALS),
    ttl: REFUSED_UNSEEN_MS,
  });

  function refuse({ retryAfterSeconds }: { readonly retryAfterSeconds: number }, bucket: string): Admission {
    const worthRecording = !refusals.has(bucket);
    if (worthRecording) refusals.set(bucket, true, { ttl: retryAfterSeconds * SECOND_MS });
    return { kind: 'limited', retryAfterSeconds, worthRecording };
  }

  return {
    async admit({ address, usernameKey, device }) {
      if (device !== undefined) {
        const own = await byDevice.take(device);
        return own.kind === 'taken' ? { ...own, lane: 'known' } : refuse(own, `device:${device}`);
      }
      const bucket = addressBucket(address);
      const network = networkBucket(address);
      const account = accountBucket(usernameKey);
      const own = await byAddress.take(bucket);
      if (own.kind === 'limited') return refuse(own, `address:${bucket}`);
      const atNetwork = network === undefined ? undefined : await byNetwork.take(network);
      if (atNetwork?.kind !== 'limited') {
        const atAccount = await byAccount.take(account);
        const taken = atNetwork === undefined ? [own] : [own, atNetwork];
        if (atAccount.kind === 'taken')
          return { kind: 'taken', lane: 'new', giveBack: giveBackAll([...taken, atAccount]) };
        await atNetwork?.giveBack();
      }
      const turn = await slow.enter(account, network ?? bucket);
      if (turn.kind === 'taken') return { kind: 'taken', lane: 'slow', giveBack: giveBackAll([own, turn]) };
      await own.giveBack();
      if (atNetwork?.kind === 'limited' && network !== undefined && turn.isBudgetSpent)
        closed.set(network, Math.min(atNetwork.retryAfterSeconds, turn.retryAfterSeconds));
      return refuse(turn, `account:${account}`);
    },

    findRefused(address) {
      const network = networkBucket(address);
      return network === undefined ? undefined : closed.get(network);
    },
  };
}

/** An attempt that Curfew could not judge is no failed guess: it is given back, and the error goes on. */
export async function withoutCountingFaults<T>(
  admission: Extract<Admission, { kind: 'taken' }>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await admission.giveBack();
    throw error;
  }
}

type Taken = Pick<Extract<Taking, { kind: 'taken' }>, 'kind' | 'giveBack'>;

const giveBackAll = (taken: readonly Taken[]) => async (): Promise<void> => {
  await Promise.all(taken.map(({ giveBack }) => giveBack()));
};

/** Of one length for any input, and not readable: people type their password into the wrong field. */
function accountBucket(usernameKey: string): string {
  return hash('sha256', usernameKey, 'base64url');
}

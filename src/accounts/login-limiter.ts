import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { SECOND_MS } from '../core/duration.ts';
import { addressBucket } from '../http/client-address.ts';
import {
  type CompoundLimiter,
  createCompoundLimiter,
  type RateLimit,
  type Taking,
} from '../http/compound-limiter.ts';

/** LOGIN_RATE_LIMIT holds for an address; an account takes ten times as much from all strangers together. */
const ACCOUNT_FACTOR = 10;
const REMEMBERED_REFUSALS = 10_000;

export interface LoginAttempt {
  readonly address: string;
  readonly usernameKey: string;
  /** The device that the browser's cookie names for this username, if any. */
  readonly device: string | undefined;
}

export type Admission =
  | Pick<Extract<Taking, { kind: 'taken' }>, 'kind' | 'giveBack'>
  | (Pick<Extract<Taking, { kind: 'limited' }>, 'kind' | 'retryAfterSeconds'> & {
      /** Once for each limit that was reached: a flood of refused attempts must not become a flood of records. */
      readonly worthRecording: boolean;
    });

/**
 * Limits guessing (ASVS 6.3.1) without letting a stranger lock an owner out (6.1.1). An attempt is counted by address
 * and by account, or, from a browser on which the user has signed in before, by that device alone.
 */
export interface LoginLimiter {
  /** Takes the points before the password is looked at, so that attempts at the same time count too. */
  admit(attempt: LoginAttempt): Promise<Admission>;
}

export interface LoginLimiterDeps {
  /** LOGIN_RATE_LIMIT. */
  readonly limits: readonly RateLimit[];
  readonly redis?: Parameters<typeof createCompoundLimiter>[0]['redis'];
}

/** Throws `unavailable` from `admit` when Redis does not answer: without it nobody can be signed in anyway. */
export function createLoginLimiter({ limits, redis }: LoginLimiterDeps): LoginLimiter {
  const create = (name: string, factor = 1) =>
    createCompoundLimiter({
      name: `login:${name}`,
      what: 'Sign-in',
      limits: limits.map((limit) => ({ ...limit, points: limit.points * factor })),
      redis,
    });
  const byAddress = create('address');
  const byAccount = create('account', ACCOUNT_FACTOR);
  const byDevice = create('device');
  const refusals = new LRUCache<string, true>({ max: REMEMBERED_REFUSALS });

  async function take(limiter: CompoundLimiter, kind: string, key: string): Promise<Admission> {
    const taking = await limiter.take(key);
    if (taking.kind === 'taken') return taking;
    const bucket = `${kind}:${key}`;
    const worthRecording = !refusals.has(bucket);
    if (worthRecording) refusals.set(bucket, true, { ttl: taking.retryAfterSeconds * SECOND_MS });
    return { ...taking, worthRecording };
  }

  return {
    async admit({ address, usernameKey, device }) {
      if (device !== undefined) return take(byDevice, 'device', device);
      const fromAddress = await take(byAddress, 'address', addressBucket(address));
      if (fromAddress.kind === 'limited') return fromAddress;
      const atAccount = await take(byAccount, 'account', accountBucket(usernameKey));
      if (atAccount.kind === 'limited') {
        await fromAddress.giveBack();
        return atAccount;
      }
      return {
        kind: 'taken',
        async giveBack() {
          await Promise.all([fromAddress.giveBack(), atAccount.giveBack()]);
        },
      };
    },
  };
}

/** Of one length whatever was typed, and not readable: people type their password into the wrong field. */
function accountBucket(usernameKey: string): string {
  return hash('sha256', usernameKey, 'base64url');
}

import { createHmac, randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import pLimit from 'p-limit';
import { unavailable } from '../errors.ts';

/** ASVS 11.4.2. Memory in KiB. A hash with other parameters is replaced when its owner signs in. */
export const ARGON2_PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** A full queue is worked off in less. */
const RETRY_AFTER_SECONDS = 2;

/** Each of the three that hash throws `unavailable` with Retry-After when too many wait already. */
export interface PasswordHasher {
  /** The encoded hash, with its salt and parameters. */
  hash(password: string): Promise<string>;
  verify(password: string, encoded: string): Promise<boolean>;
  /** Takes as long as `verify` and is never true: for a username that nobody has (ASVS 6.3.8). */
  verifyAgainstNobody(password: string): Promise<false>;
  needsRehash(encoded: string): boolean;
}

export interface PasswordHasherDeps {
  /** PEPPER: without it a stolen database is of no use to a guesser. */
  readonly pepper: string;
  /**
   * How many hashes may be computed at a time. Hashing shares libuv's four threads with the static files: with two
   * at most these stay as fast as ever, with four they wait for seconds.
   */
  readonly maxInFlight?: number;
  readonly maxWaiting?: number;
  /** What cannot be done when too many wait, for the person. */
  readonly what?: string;
}

/** Argon2id over HMAC-SHA256 of the password, keyed with the pepper: any length and any character counts. */
export function createPasswordHasher(deps: PasswordHasherDeps): PasswordHasher {
  const { pepper, maxInFlight = 2, maxWaiting = 64, what = 'Checking passwords' } = deps;
  const limit = pLimit(maxInFlight);
  const nobody = hashThatNothingMatches();

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (limit.activeCount + limit.pendingCount >= maxInFlight + maxWaiting)
      return Promise.reject(unavailable(what, undefined, RETRY_AFTER_SECONDS));
    return limit(work);
  }
  const digest = (password: string) => createHmac('sha256', pepper).update(password, 'utf8').digest();

  return {
    hash: (password) =>
      enqueue(() => argon2.hash(digest(password), { ...ARGON2_PARAMETERS, type: argon2.argon2id })),
    verify: (password, encoded) => enqueue(() => argon2.verify(encoded, digest(password))),
    async verifyAgainstNobody(password) {
      await enqueue(() => argon2.verify(nobody, digest(password)));
      return false;
    },
    needsRehash: (encoded) => argon2.needsRehash(encoded, ARGON2_PARAMETERS),
  };
}

/** Random bytes where the hash would stand cost a verification as much as a real one, and no time to make. */
function hashThatNothingMatches(): string {
  const { memoryCost, timeCost, parallelism } = ARGON2_PARAMETERS;
  const random = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryCost},p=${parallelism},t=${timeCost}$${random(SALT_BYTES)}$${random(HASH_BYTES)}`;
}

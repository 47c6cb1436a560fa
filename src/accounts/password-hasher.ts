import { createHmac, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import { unavailable } from '../errors.ts';
import { createHashQueue, type HashLane } from './hash-queue.ts';
import { pepperMark, withoutMark } from './pepper-mark.ts';

/** ASVS 11.4.2. Memory in KiB. A hash with other parameters is replaced when its owner signs in. */
export const ARGON2_PARAMETERS: HashCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export interface HashCost {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** A full queue is worked off in less. */
const RETRY_AFTER_SECONDS = 2;

/** How a password was when it was hashed: composed (NFC), or as it was typed, which differed from that. */
export type PasswordForm = 'composed' | 'as_typed';

/** Each of those that hash throws `unavailable` with Retry-After when too many wait already. */
export interface PasswordHasher {
  /** The encoded hash, with its salt and parameters. Waits among the known: no stranger sets a password. */
  hash(password: string): Promise<string>;
  /** In which form the password fits the hash; undefined where it does not. */
  match(password: string, encoded: string, lane?: HashLane): Promise<PasswordForm | undefined>;
  verify(password: string, encoded: string, lane?: HashLane): Promise<boolean>;
  /** Takes as long as `verify` and is never true: for a username without an account (ASVS 6.3.8). */
  verifyAgainstNobody(password: string, lane?: HashLane): Promise<false>;
  /** Whether its parameters or its pepper are not the newest, or it is of a password as it was typed. */
  needsRehash(encoded: string, form?: PasswordForm): boolean;
  /** How many wait for their turn. */
  readonly waiting: number;
}

export interface PasswordHasherDeps {
  /** PEPPER, newest first: without it a stolen database is of no use to a guesser. The newest hashes, all verify. */
  readonly peppers: readonly string[];
  /**
   * How many hashes may be computed at a time; `hashesAtOnce` of this machine's cores without it.
   */
  readonly maxInFlight?: number;
  /** In each lane. */
  readonly maxWaiting?: number;
  /** For the error when too many wait: the act that is unavailable, in words. */
  readonly what?: string;
  /** Other than ARGON2_PARAMETERS only in tests that are not about hashing. */
  readonly cost?: HashCost | undefined;
}

/**
 * Each hash keeps a core busy, and one core belongs to the requests. Never more than two: hashing shares libuv's four threads
 * with the static files, which wait for seconds where all four hash.
 */
export function hashesAtOnce(cores: number): number {
  return cores > 2 ? 2 : 1;
}

/**
 * Argon2id over HMAC-SHA256 of the password, keyed with the pepper: any length and any character counts. A verification
 * tries every pepper, also behind one that fits and for an unknown username: else its time would tell which users
 * have signed in since the newest pepper came.
 */
export function createPasswordHasher(deps: PasswordHasherDeps): PasswordHasher {
  const {
    peppers,
    maxInFlight = hashesAtOnce(availableParallelism()),
    maxWaiting = 64,
    what = 'Checking passwords',
    cost = ARGON2_PARAMETERS,
  } = deps;
  const queue = createHashQueue({
    maxInFlight,
    maxWaiting,
    full: () => unavailable(what, undefined, RETRY_AFTER_SECONDS),
  });
  const nobody = hashThatNothingMatches(cost);
  const mark = pepperMark(peppers);
  const [newest] = peppers;
  if (newest === undefined) throw new Error('A password hasher needs a pepper');

  async function matchesAny(password: string, encoded: string): Promise<PasswordForm | undefined> {
    let matched: PasswordForm | undefined;
    for (const [form, text] of formsOf(password))
      for (const pepper of peppers)
        if (await argon2.verify(encoded, keyedDigest(text, pepper))) matched = form;
    return matched;
  }

  const match: PasswordHasher['match'] = (password, encoded, lane = 'new') =>
    queue.run(lane, () => matchesAny(password, withoutMark(encoded)));

  return {
    hash: (password) =>
      queue.run('known', async () => {
        const options = { ...cost, type: argon2.argon2id } as const;
        return (await argon2.hash(keyedDigest(password.normalize('NFC'), newest), options)) + mark;
      }),
    match,
    verify: async (...args) => (await match(...args)) !== undefined,
    async verifyAgainstNobody(password, lane = 'new') {
      await queue.run(lane, () => matchesAny(password, nobody));
      return false;
    },
    needsRehash: (encoded, form = 'composed') =>
      form === 'as_typed' || !encoded.endsWith(mark) || argon2.needsRehash(withoutMark(encoded), cost),
    get waiting() {
      return queue.waiting;
    },
  };
}

/**
 * A password as it is hashed (NFC, RFC 8265: `é` is one character on one keyboard and two on another), and as it was typed where
 * that differs: hashes from before were made of that.
 */
function formsOf(password: string): readonly (readonly [PasswordForm, string])[] {
  const composed = password.normalize('NFC');
  return [['composed', composed], ...(composed === password ? [] : [['as_typed', password] as const])];
}

function keyedDigest(password: string, pepper: string): Buffer {
  return createHmac('sha256', pepper).update(password, 'utf8').digest();
}

/** Random bytes where the hash would stand cost a verification as much as a real one, and no time to make. */
function hashThatNothingMatches({ memoryCost, timeCost, parallelism }: HashCost): string {
  const random = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryCost},p=${parallelism},t=${timeCost}$${random(SALT_BYTES)}$${random(HASH_BYTES)}`;
}

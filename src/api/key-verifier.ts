import type { Clock } from '../core/clock.ts';
import { DAY_MS } from '../core/duration.ts';
import { createScopedCache } from '../storage/scoped-cache.ts';
import { type StoredKey, type WhyNotUsable, whyNotUsable } from './api-key.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { KeyFormat, PresentedKey } from './key-format.ts';

/** `not_ours`: no key that this installation ever gave out, in form or seal. */
export type WhyBadKey = 'not_ours' | 'unknown' | 'wrong_secret' | WhyNotUsable;

export type Verification =
  | { readonly kind: 'ok'; readonly key: StoredKey }
  | { readonly kind: 'bad'; readonly why: WhyBadKey; readonly keyId: string | undefined };

/**
 * Tells whether a text is a key that is good at this moment. What is no key of ours costs an HMAC; a genuine one costs
 * one read of its row, and an Argon2 hash the first time that this process sees it.
 *
 * The cache holds only that a secret once matched a hash: the most expensive part, and one that cannot become
 * untrue. Whether the key was revoked, has expired, and whose it is, is read anew each time. So no message that is lost
 * between nodes can keep a dead key alive.
 */
export interface KeyVerifier {
  /** Throws `unavailable` when too many keys are being checked for the first time. */
  verify(text: string): Promise<Verification>;
  /** Drops what is remembered of one person's keys; returns of how many. */
  forget(userId: string): number;
  /** How many matches are remembered. */
  readonly size: number;
}

export interface KeyVerifierDeps {
  readonly store: Pick<ApiKeyStore, 'findForUse' | 'replaceSecretHash'>;
  readonly format: Pick<KeyFormat, 'read'>;
  readonly hasher: SecretHasher;
  readonly clock: Clock;
}

/** Argon2id with the pepper, a few at a time. Both throw `unavailable` when too many wait. */
export interface SecretHasher {
  hash(secret: string): Promise<string>;
  verify(secret: string, encoded: string): Promise<boolean>;
  /** Whether there is a newer pepper than the one that it was made with. */
  needsRehash(encoded: string): boolean;
}

const MAXIMUM_REMEMBERED = 10_000;

export function createKeyVerifier({ store, format, hasher, clock }: KeyVerifierDeps): KeyVerifier {
  const matches = createScopedCache<{ readonly secretHash: string | undefined }>({
    maximum: MAXIMUM_REMEMBERED,
    lifetimeMs: () => DAY_MS,
    now: () => clock.now(),
  });
  const underWay = new Map<string, Promise<boolean>>();

  async function read({ id }: PresentedKey): Promise<Verification> {
    const key = await store.findForUse(id);
    if (key === undefined) return { kind: 'bad', why: 'unknown', keyId: id };
    const why = whyNotUsable(key, clock.now());
    return why === undefined ? { kind: 'ok', key } : { kind: 'bad', why, keyId: id };
  }

  const isRemembered = ({ userId, secretHash }: StoredKey, { digest }: PresentedKey): boolean =>
    matches.get(userId, digest)?.secretHash === secretHash;

  /** Many requests with a new key come at once: one of them computes. */
  function matchesHash(text: string, presented: PresentedKey, key: StoredKey): Promise<boolean> {
    const { digest } = presented;
    const computing =
      underWay.get(digest) ?? compute(text, presented, key).finally(() => underWay.delete(digest));
    underWay.set(digest, computing);
    return computing;
  }

  async function compute(text: string, { digest }: PresentedKey, key: StoredKey): Promise<boolean> {
    const { id, userId, secretHash } = key;
    if (secretHash === undefined || !(await hasher.verify(text, secretHash))) return false;
    const current = hasher.needsRehash(secretHash) ? await renewHash(id, text, secretHash) : secretHash;
    matches.set(userId, digest, { secretHash: current });
    return true;
  }

  /** The hash that is stored afterwards: still the old one where too many wait, or the key was revoked meanwhile. */
  async function renewHash(id: string, text: string, secretHash: string): Promise<string> {
    const renewed = await hasher.hash(text).catch(() => undefined);
    if (renewed === undefined) return secretHash;
    return (await store.replaceSecretHash(id, secretHash, renewed)) ? renewed : secretHash;
  }

  return {
    async verify(text) {
      const presented = format.read(text);
      if (presented === undefined) return { kind: 'bad', why: 'not_ours', keyId: undefined };
      const reading = await read(presented);
      if (reading.kind === 'bad' || isRemembered(reading.key, presented)) return reading;
      if (!(await matchesHash(text, presented, reading.key)))
        return { kind: 'bad', why: 'wrong_secret', keyId: presented.id };
      // Hashing took its time, and the key may have been revoked meanwhile.
      return read(presented);
    },
    forget: (userId) => matches.clearOwner(userId),
    get size() {
      return matches.size;
    },
  };
}

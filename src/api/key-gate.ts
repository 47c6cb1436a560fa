import type { Request, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { createHourlyQuota } from '../core/hourly-quota.ts';
import { AppError } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress, clientSubject } from '../http/client-address.ts';
import type { CompoundLimiter } from '../http/compound-limiter.ts';
import { rateLimitHeaders } from '../http/rate-limit-headers.ts';
import { setActingUser } from '../http/request-watch.ts';
import type { StoredKey } from './api-key.ts';
import { type ApiScope, mayUseScope } from './api-scope.ts';
import { mayBeUsedFrom } from './key-addresses.ts';
import type { KeyUsage } from './key-usage.ts';
import type { KeyVerifier, WhyBadKey } from './key-verifier.ts';
import { presentedKey } from './presented-key.ts';

/** A request with a key that was not good. */
export interface InvalidKeyAttempt {
  readonly address: string;
  readonly why: WhyBadKey;
  /** The public part, where it is one that we gave out. */
  readonly keyId: string | undefined;
}

/**
 * Counts wrong keys, for the ban system. Must not throw. Where guesses from that address are slowed down, returns how many
 * seconds the next one has to wait.
 */
export type OnInvalidKey = (attempt: InvalidKeyAttempt) => number | undefined;

/** Counts a request without a known key. Throws `rate_limited` when that is one too many. */
export type CountStranger = (req: Request, res: Response) => void;

/** Counts a call for the owner of its key, over all keys of theirs. Throws `rate_limited` when that is one too many. */
export type CountCaller = (userId: string) => void;

/** The door of the API. */
export interface KeyGate {
  /**
   * Lets a request in whose key (`key`, or what its headers carry) is good, allowed from where it comes, within its limits and for this scope; sets the
   * RateLimit headers. Throws `bad_api_key`, `forbidden`, `rate_limited`, `invalid` or `unavailable`.
   */
  admit(req: Request, res: Response, scope: ApiScope, key?: string): Promise<StoredKey>;
  /** Asked again after a wait: throws when the key is no longer good. */
  admitAgain(req: Request, res: Response, scope: ApiScope): Promise<void>;
}

export interface KeyGateDeps {
  readonly verifier: Pick<KeyVerifier, 'verify'>;
  readonly limiter: CompoundLimiter;
  readonly usage: Pick<KeyUsage, 'note'>;
  readonly onInvalidKey: OnInvalidKey;
  /** Throws `rate_limited` for an address that comes too often without a valid key. */
  readonly countStranger: CountStranger;
  readonly countCaller: CountCaller;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/**
 * In an hour, of keys that this server has made, and of all others: the audit log is kept for years, and strangers have as
 * many addresses as they like.
 */
const MOST_RECORDED = 500;

export function createKeyGate(deps: KeyGateDeps): KeyGate {
  const { verifier, limiter, usage, onInvalidKey, countStranger, countCaller, audit, clock } = deps;
  const unknownKeys = createHourlyQuota({ clock, most: 1, mostInAll: MOST_RECORDED });
  const genuineKeys = createHourlyQuota({ clock, most: 1, mostInAll: MOST_RECORDED });

  /** Whether this is news: a program that is refused asks again and again, and each line would be the same. */
  function isFirst(keyId: string | undefined, ...facts: readonly (string | undefined)[]): boolean {
    return (keyId === undefined ? unknownKeys : genuineKeys).take([keyId, ...facts].join(' '));
  }

  async function requireGoodKey(req: Request, res: Response, text = presentedKey(req)): Promise<StoredKey> {
    if (text === undefined) {
      countStranger(req, res);
      throw missingKey();
    }
    const verification = await verifier.verify(text);
    if (verification.kind === 'ok') {
      setActingUser(res, verification.key.userId);
      return verification.key;
    }
    const { why, keyId } = verification;
    const { address, subject } = clientSubject(req);
    const waitSeconds = onInvalidKey({ address, why, keyId });
    if (isFirst(keyId, why, subject))
      await audit.record({ type: 'api_key.refused', keyId, why }, auditOrigin(req, res));
    countStranger(req, res);
    throw waitSeconds === undefined ? badKey() : tooManyBadKeys(waitSeconds);
  }

  /** The key is genuine, so this is for its owner to know: it was stolen, or their address has changed. */
  async function recordRefusal(req: Request, res: Response, key: StoredKey): Promise<void> {
    if (!isFirst(key.id, 'address', clientSubject(req).subject)) return;
    const event = { type: 'api_key.refused_from_address', userId: key.userId, keyId: key.id } as const;
    await audit.record(event, auditOrigin(req, res, key.username));
  }

  return {
    async admit(req, res, scope, text) {
      const key = await requireGoodKey(req, res, text);
      const address = clientAddress(req);
      if (!mayBeUsedFrom(key.addresses, address)) {
        await recordRefusal(req, res, key);
        throw notFromHere(address);
      }
      usage.note({ id: key.id, at: clock.now(), address });
      // Behind the address: a thief who is kept out must not use up the owner's requests.
      const taking = await limiter.take(key.id);
      res.set(rateLimitHeaders(taking));
      if (taking.kind === 'limited') throw tooMany(taking.retryAfterSeconds);
      try {
        countCaller(key.userId);
      } catch (error) {
        await taking.giveBack();
        throw error;
      }
      requireScope(key, scope);
      return key;
    },

    async admitAgain(req, res, scope) {
      const key = await requireGoodKey(req, res);
      if (!mayBeUsedFrom(key.addresses, clientAddress(req))) throw notFromHere(clientAddress(req));
      requireScope(key, scope);
    },
  };
}

/** RFC 6750, 3: a request without a key is told how to send one, and of no error. */
function missingKey(): AppError {
  const words =
    'This needs an API key, as "Authorization: Bearer cfw_…" or "X-API-Key: cfw_…". Make one in Curfew under API keys.';
  return new AppError('bad_api_key', words, { headers: { 'WWW-Authenticate': challenge() } });
}

/** The same words for every key that is not valid: only its owner may learn why. */
function badKey(): AppError {
  const words =
    'The API key was not accepted: it is unknown, revoked or expired, or its owner may not sign in. Make a new one in Curfew under API keys.';
  return new AppError('bad_api_key', words, { headers: { 'WWW-Authenticate': challenge('invalid_token') } });
}

function tooManyBadKeys(retryAfterSeconds: number): AppError {
  const words = `Too many wrong API keys came from your address. Good ones are accepted as before. Try again in ${retryAfterSeconds} s.`;
  return new AppError('rate_limited', words, { retryAfterSeconds });
}

function notFromHere(address: string): AppError {
  const words = `This API key may not be used from ${address}. Its owner sets the allowed addresses in Curfew under API keys.`;
  return new AppError('forbidden', words);
}

function requireScope({ scopes, ownerRole }: StoredKey, scope: ApiScope): void {
  if (!scopes.includes(scope)) throw notForThis(scope);
  if (!mayUseScope(ownerRole, scope)) throw notForViewers();
}

function notForViewers(): AppError {
  const words = 'The owner of this API key is a viewer, who has no broker connections.';
  return new AppError('forbidden', words);
}

function notForThis(scope: ApiScope): AppError {
  const words = `This API key may not do this: it lacks the scope ${scope}. Make one that has it in Curfew under API keys.`;
  const headers = { 'WWW-Authenticate': `${challenge('insufficient_scope')}, scope="${scope}"` };
  return new AppError('forbidden', words, { headers });
}

function tooMany(retryAfterSeconds: number): AppError {
  const words = `Too many requests with this API key. Try again in ${retryAfterSeconds} s.`;
  return new AppError('rate_limited', words, { retryAfterSeconds });
}

function challenge(error?: 'invalid_token' | 'insufficient_scope'): string {
  return `Bearer realm="curfew"${error === undefined ? '' : `, error="${error}"`}`;
}

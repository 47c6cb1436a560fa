import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { CachedToken } from '../core/cached-values.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { AppError } from '../errors.ts';
import type { Caches } from '../storage/caches.ts';
import type { Decrypted } from '../storage/fernet.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import { type Connection, versionOf, type WhyNotConnected, whyNotConnected } from './connection.ts';
import { ENDING_LABELS } from './ending-labels.ts';
import type { TokenCipher } from './token-cipher.ts';
import type { TokenStore } from './token-store.ts';

export interface UsableToken {
  readonly kind: 'token';
  readonly token: string;
  /** Milliseconds since the epoch, both. */
  readonly issuedAt: number;
  /** The next cutoff, or the broker's own limit where that is earlier. A token that is refreshed has a successor then. */
  readonly expiresAt: number;
}

export type TokenReading = UsableToken | { readonly kind: 'reauth_required'; readonly why: WhyNotConnected };

/**
 * The day's tokens, for programs that trade and for price streams. Ask each time and keep nothing: a reading is worth what it
 * says at the moment it is made, and the next one costs a single small query. Never throws for what can happen to a
 * connection; only when the database does not answer.
 */
export interface TokenReader {
  /** The day's access token of a person at a broker, or why there is none. A broker that is unknown is `not_connected`. */
  accessToken(userId: string, broker: string): Promise<TokenReading>;
  /**
   * The same for callers who can do nothing without it: throws `broker_reauth_required` (409) with words that name the
   * broker, why, and what to do, and `not_found` for a broker that this server does not have.
   */
  requireAccessToken(userId: string, broker: string): Promise<UsableToken>;
  /** For the price feed: the access token where the broker's feed takes no token of its own. */
  feedToken(userId: string, broker: string): Promise<TokenReading>;
}

export interface TokenReaderDeps {
  readonly tokens: Pick<TokenStore, 'standing' | 'findLatest' | 'end'>;
  readonly adapters: BrokerAdapters;
  readonly caches: Caches;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly cipher: TokenCipher;
  readonly audit: AuditLog;
}

type TokenName = 'auth' | 'feed';

/** How often a connection may change under one reading before that is no coincidence. */
const ATTEMPTS = 3;

/**
 * Reads through the auth and feed caches, which save the decryption and never the question: each reading asks the
 * database, in one query, which connection is live and in which epoch its owner is. A cached token is found under the
 * connection and the access token that it came with, so that no message has to arrive for a dead one to be useless.
 */
export function createTokenReader(deps: TokenReaderDeps): TokenReader {
  const { tokens, adapters, caches, calendar, clock, cipher, audit } = deps;

  return {
    accessToken: (userId, broker) => read('auth', userId, broker),
    async requireAccessToken(userId, broker) {
      const adapter = adapters.get(broker);
      if (adapter === undefined) throw unknownBroker(adapters);
      const reading = await read('auth', userId, broker);
      if (reading.kind === 'token') return reading;
      throw new AppError('broker_reauth_required', describeLack(adapter.name, reading.why));
    },
    feedToken: (userId, broker) => read('feed', userId, broker),
  };

  async function read(name: TokenName, userId: string, broker: string): Promise<TokenReading> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const reading = await readOnce(name, userId, broker);
      if (reading !== 'changed_meanwhile') return reading;
    }
    throw new Error(`The connection to ${broker} changes faster than it can be read`);
  }

  async function readOnce(
    name: TokenName,
    userId: string,
    broker: string,
  ): Promise<TokenReading | 'changed_meanwhile'> {
    // The epoch before the row: what is revoked between the two then belongs to an epoch that is over.
    const { epoch, live } = await tokens.standing(userId, broker);
    const cached = live === undefined ? undefined : caches.of[name].get(userId, keyOf(broker, live));
    if (cached !== undefined && isAlive(cached, epoch)) return toReading(cached);

    const connection = await tokens.findLatest(userId, broker);
    const why = judge(connection, epoch);
    if (connection === undefined || why !== undefined) return reauth(why ?? 'not_connected');
    return readRow(name, connection);
  }

  async function readRow(
    name: TokenName,
    connection: Connection,
  ): Promise<TokenReading | 'changed_meanwhile'> {
    const decrypted = decrypt(name, connection);
    if (decrypted === undefined) return reauth('not_connected');
    if (decrypted.kind === 'unreadable') return endUnreadable(connection);
    const { userId, broker, epoch, issuedAt, expiresAt } = connection;
    const entry: CachedToken = { token: decrypted.text, epoch, issuedAt, expiresAt };
    const version = versionOf(connection);
    const key = keyOf(broker, version);
    // Where the access token opens the feed, a program with one of the two has both.
    const names: readonly TokenName[] = connection.feedToken === undefined ? ['auth', 'feed'] : [name];
    for (const each of names) caches.of[each].set(userId, key, entry);

    // It may have ended meanwhile, with the caches cleared before this was in them.
    const standing = await tokens.standing(userId, broker);
    if (standing.live === version && isAlive(entry, standing.epoch)) return toReading(entry);
    for (const each of names) caches.of[each].delete(userId, key);
    return 'changed_meanwhile';
  }

  function decrypt(name: TokenName, connection: Connection): Decrypted | undefined {
    const { userId, broker, accessToken, feedToken } = connection;
    const { decrypt: open } = cipher.forBroker(broker);
    if (name === 'feed' && feedToken !== undefined) return open(feedToken);
    const known =
      name === 'feed' ? caches.of.auth.get(userId, keyOf(broker, versionOf(connection))) : undefined;
    if (known !== undefined) return { kind: 'ok', text: known.token };
    return accessToken === undefined ? undefined : open(accessToken);
  }

  /** The ciphertext was changed, or its key is gone: the token is lost, so the user connects again. */
  async function endUnreadable({ id, userId, broker }: Connection): Promise<TokenReading> {
    const ended = await tokens.end({ kind: 'one', id }, { reason: 'unreadable', now: clock.now() });
    if (ended.length > 0)
      await audit.record({ type: 'broker.token_unreadable', userId, broker }, SYSTEM_ORIGIN);
    return reauth('unreadable');
  }

  function judge(connection: Connection | undefined, epoch: number): WhyNotConnected | undefined {
    return whyNotConnected(connection, { now: clock.now(), lastCutoff: calendar.last(), epoch });
  }

  function isAlive(entry: CachedToken, epoch: number): boolean {
    const now = clock.now();
    return entry.epoch >= epoch && !calendar.isPast(entry.issuedAt) && entry.expiresAt > now;
  }

  function toReading({ token, issuedAt, expiresAt }: CachedToken): TokenReading {
    return { kind: 'token', token, issuedAt, expiresAt: Math.min(expiresAt, calendar.next()) };
  }
}

function describeLack(broker: string, why: WhyNotConnected): string {
  return why === 'not_connected'
    ? `${broker} is not connected yet. Sign in to Curfew, open Brokers, and connect ${broker}.`
    : `${broker} is not connected (${ENDING_LABELS[why]}). Sign in to Curfew, open Brokers, and connect ${broker} again.`;
}

function unknownBroker(adapters: BrokerAdapters): AppError {
  const known = [...adapters.keys()].join(', ');
  return new AppError('not_found', `This server has no broker of that name. It has: ${known || 'none'}.`);
}

/** Cache key of a token, besides its owner. */
function keyOf(broker: string, version: string): string {
  return `${broker} ${version}`;
}

function reauth(why: WhyNotConnected): TokenReading {
  return { kind: 'reauth_required', why };
}

import { type AuditLog, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { CachedToken } from '../core/cached-values.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { isPastCutoff } from '../core/expiry.ts';
import { AppError, notFound } from '../errors.ts';
import type { EpochStore } from '../sessions/epoch-store.ts';
import type { Caches } from '../storage/caches.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import { type Connection, type WhyNotConnected, whyNotConnected } from './connection.ts';
import { ENDING_WORDS } from './ending-words.ts';
import type { TokenCipher } from './token-cipher.ts';
import type { TokenStore } from './token-store.ts';

export interface UsableToken {
  readonly kind: 'token';
  readonly token: string;
  /** Milliseconds since the epoch, both. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export type TokenReading = UsableToken | { readonly kind: 'reauth_required'; readonly why: WhyNotConnected };

/** The day's tokens, for whoever trades or listens with them. */
export interface TokenReader {
  accessToken(userId: string, broker: string): Promise<TokenReading>;
  /**
   * The same for callers who can do nothing without it: throws `broker_reauth_required` with words that name the broker
   * and what to do, and `not_found` for a broker that this server does not have.
   */
  requireAccessToken(userId: string, broker: string): Promise<UsableToken>;
  /** For the price feed: the access token where the broker's feed takes no token of its own. */
  feedToken(userId: string, broker: string): Promise<TokenReading>;
}

export interface TokenReaderDeps {
  readonly tokens: Pick<TokenStore, 'findLatest' | 'isCurrent' | 'end'>;
  readonly adapters: BrokerAdapters;
  readonly caches: Caches;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly cipher: TokenCipher;
  readonly audit: AuditLog;
}

type TokenName = 'auth' | 'feed';

/**
 * Reads through the auth and feed caches. A cached token counts only while its epoch is the user's, it was issued
 * since the last cutoff, and the broker still honours it: so a message that was lost cannot keep a dead one in use.
 */
export function createTokenReader(deps: TokenReaderDeps): TokenReader {
  const { tokens, adapters, caches, epochs, calendar, clock, cipher, audit } = deps;

  return {
    accessToken: (userId, broker) => read('auth', userId, broker),
    async requireAccessToken(userId, broker) {
      const adapter = adapters.get(broker);
      if (adapter === undefined) throw notFound();
      const reading = await read('auth', userId, broker);
      if (reading.kind === 'token') return reading;
      const message = `${adapter.name} is not connected (${ENDING_WORDS[reading.why]}). Sign in to Curfew, open Brokers, and connect ${adapter.name} again.`;
      throw new AppError('broker_reauth_required', message);
    },
    feedToken: (userId, broker) => read('feed', userId, broker),
  };

  async function read(name: TokenName, userId: string, broker: string): Promise<TokenReading> {
    // The epoch before the row: what is revoked between the two then belongs to an epoch that is over.
    const epoch = await epochs.current(userId);
    const cached = caches.of[name].get(userId, broker);
    if (cached !== undefined && isAlive(cached, epoch)) return toReading(cached);

    const connection = await tokens.findLatest(userId, broker);
    const why = judge(connection, epoch);
    if (connection === undefined || why !== undefined) return reauth(why ?? 'not_connected');
    return readRow(name, connection);
  }

  async function readRow(name: TokenName, connection: Connection): Promise<TokenReading> {
    const { accessToken, feedToken = accessToken } = connection;
    const ciphertext = name === 'auth' ? accessToken : feedToken;
    if (ciphertext === undefined) return reauth('not_connected');
    const decrypted = cipher.forBroker(connection.broker).decrypt(ciphertext);
    if (decrypted.kind === 'unreadable') return endUnreadable(connection);
    return keep(name, connection, decrypted.text);
  }

  /**
   * Looks at the row once more after the cache has the token. Whoever ends a connection does it first in the row and
   * then in the caches, so either they clear what is set here, or this sees what they did.
   */
  async function keep(name: TokenName, connection: Connection, token: string): Promise<TokenReading> {
    const { userId, broker, epoch, issuedAt, expiresAt } = connection;
    const entry: CachedToken = { token, epoch, issuedAt, expiresAt };
    caches.of[name].set(userId, broker, entry);
    const current = await epochs.current(userId);
    if (isAlive(entry, current) && (await tokens.isCurrent(connection))) return toReading(entry);
    caches.of[name].delete(userId, broker);
    return reauth(judge(await tokens.findLatest(userId, broker), current) ?? 'ended');
  }

  /** Somebody or something changed the ciphertext, or its key is gone: of no use to anyone, so the person connects again. */
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
    return (
      entry.epoch === epoch && !isPastCutoff(entry.issuedAt, now, calendar.last()) && entry.expiresAt > now
    );
  }
}

function toReading({ token, issuedAt, expiresAt }: CachedToken): TokenReading {
  return { kind: 'token', token, issuedAt, expiresAt };
}

function reauth(why: WhyNotConnected): TokenReading {
  return { kind: 'reauth_required', why };
}

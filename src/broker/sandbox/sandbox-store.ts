import type { Kysely } from 'kysely';
import { DAY_MS } from '../../core/duration.ts';
import type { Database } from '../../storage/database.ts';
import type { SandboxCodesTable, Schema } from '../../storage/schema.ts';
import { secretDigest } from '../secret-digest.ts';

/** A user's permission, until it is exchanged. Instants in ms since the epoch. */
export interface SandboxCode {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly subject: string;
  readonly expiresAt: number;
}

export interface SandboxTokens {
  readonly accessToken: string;
  readonly feedToken: string;
  readonly refreshToken: string;
  /** Of the access and the feed token. */
  readonly expiresAt: number;
  /** Of the refresh token that comes with a code. One that comes with another refresh token takes over its end. */
  readonly refreshableUntil: number;
}

/**
 * The practice broker's own memory. It keeps digests and could not say a code or a token again. Everything that comes
 * from one code is one family, and falls together: when it is revoked, and when a code or a refresh token of it is
 * shown a second time (RFC 6749, 4.1.2; RFC 9700, 4.14.2), since there is no telling which of the two was the thief.
 */
export interface SandboxStore {
  saveCode(code: string, grant: SandboxCode, now: number): Promise<void>;
  /** Uses up the code and keeps the tokens if `accepts` agrees, in one transaction. */
  redeem(
    code: string,
    tokens: SandboxTokens,
    accepts: (grant: SandboxCode) => boolean,
    now: number,
  ): Promise<'granted' | 'refused'>;
  /** Uses up a refresh token and keeps its successors, in one transaction. */
  refresh(
    refreshToken: string,
    tokens: SandboxTokens,
    clientId: string,
    now: number,
  ): Promise<'granted' | 'refused'>;
  /** The owner of a live token; of an access token, where no other kind is named. */
  findSubject(token: string, now: number, kind?: 'access' | 'feed'): Promise<string | undefined>;
  /** Ends the family of a token of the client's, whichever kind it is. */
  revoke(token: string, clientId: string, now: number): Promise<void>;
}

export function createSandboxStore({ db }: Database): SandboxStore {
  return {
    async saveCode(code, grant, now) {
      await forgetOld(db, now);
      await db
        .insertInto('sandbox_codes')
        .values({
          code_digest: secretDigest(code),
          client_id: grant.clientId,
          redirect_uri: grant.redirectUri,
          code_challenge: grant.codeChallenge,
          subject: grant.subject,
          expires_at: grant.expiresAt,
          used_at: null,
        })
        .execute();
    },

    redeem: (code, tokens, accepts, now) =>
      db.transaction().execute(async (trx) => {
        const codeDigest = secretDigest(code);
        const row = await useUpCode(trx, codeDigest, now);
        if (row === undefined) await endFamily(trx, codeDigest, now);
        if (row === undefined || !accepts(toGrant(row))) return 'refused';
        await insertTokens(trx, row, tokens, now);
        return 'granted';
      }),

    async refresh(refreshToken, tokens, clientId, now) {
      const digest = secretDigest(refreshToken);
      const family = await findFamily(db, digest, clientId);
      if (family === undefined) return 'refused';
      return db.transaction().execute(async (trx) => {
        await lockFamily(trx, family);
        const used = await useUpRefreshToken(trx, digest, now);
        if (used === undefined) await endFamily(trx, family, now);
        else await insertTokens(trx, used, { ...tokens, refreshableUntil: used.expires_at }, now);
        return used === undefined ? 'refused' : 'granted';
      });
    },

    async findSubject(token, now, kind = 'access') {
      const row = await db
        .selectFrom('sandbox_tokens')
        .select('subject')
        .where('token_digest', '=', secretDigest(token))
        .where('kind', '=', kind)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row?.subject;
    },

    async revoke(token, clientId, now) {
      const family = await findFamily(db, secretDigest(token), clientId);
      if (family !== undefined) await db.transaction().execute((trx) => endFamily(trx, family, now));
    },
  };
}

/** Columns that the tokens of a family have in common. */
type Family = Pick<SandboxCodesTable, 'code_digest' | 'client_id' | 'subject'>;

function useUpCode(
  db: Kysely<Schema>,
  codeDigest: string,
  now: number,
): Promise<SandboxCodesTable | undefined> {
  return db
    .updateTable('sandbox_codes')
    .set({ used_at: now })
    .where('code_digest', '=', codeDigest)
    .where('used_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}

function useUpRefreshToken(db: Kysely<Schema>, tokenDigest: string, now: number) {
  return db
    .updateTable('sandbox_refresh_tokens')
    .set({ ended_at: now })
    .where('token_digest', '=', tokenDigest)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .returningAll()
    .executeTakeFirst();
}

async function insertTokens(
  db: Kysely<Schema>,
  { code_digest, client_id, subject }: Family,
  tokens: SandboxTokens,
  now: number,
): Promise<void> {
  const family = { code_digest, client_id, subject };
  const shared = { ...family, issued_at: now, expires_at: tokens.expiresAt, revoked_at: null };
  await db
    .insertInto('sandbox_tokens')
    .values([
      { ...shared, kind: 'access', token_digest: secretDigest(tokens.accessToken) },
      { ...shared, kind: 'feed', token_digest: secretDigest(tokens.feedToken) },
    ])
    .execute();
  await db
    .insertInto('sandbox_refresh_tokens')
    .values({
      ...family,
      token_digest: secretDigest(tokens.refreshToken),
      expires_at: tokens.refreshableUntil,
      ended_at: null,
    })
    .execute();
}

/** The digest of the code that a token of any kind came from. */
async function findFamily(
  db: Kysely<Schema>,
  tokenDigest: string,
  clientId: string,
): Promise<string | undefined> {
  for (const table of ['sandbox_tokens', 'sandbox_refresh_tokens'] as const) {
    const row = await db
      .selectFrom(table)
      .select('code_digest')
      .where('token_digest', '=', tokenDigest)
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    if (row !== undefined) return row.code_digest;
  }
  return undefined;
}

/** Until the transaction ends no other one ends the family or adds to it: one that is ended has no late children. */
async function lockFamily(trx: Kysely<Schema>, codeDigest: string): Promise<void> {
  await trx
    .updateTable('sandbox_codes')
    .set((eb) => ({ used_at: eb.ref('used_at') }))
    .where('code_digest', '=', codeDigest)
    .execute();
}

async function endFamily(trx: Kysely<Schema>, codeDigest: string, now: number): Promise<void> {
  await lockFamily(trx, codeDigest);
  await trx
    .updateTable('sandbox_refresh_tokens')
    .set({ ended_at: now })
    .where('code_digest', '=', codeDigest)
    .where('ended_at', 'is', null)
    .execute();
  await trx
    .updateTable('sandbox_tokens')
    .set({ revoked_at: now })
    .where('code_digest', '=', codeDigest)
    .where('revoked_at', 'is', null)
    .execute();
}

/**
 * A used code or refresh token is kept as long as what came from it can live, so that its second use is noticed; and an
 * access token for as long as its family can, which may be revoked by it.
 */
async function forgetOld(db: Kysely<Schema>, now: number): Promise<void> {
  await db
    .deleteFrom('sandbox_codes')
    .where('expires_at', '<', now - 2 * DAY_MS)
    .execute();
  await db
    .deleteFrom('sandbox_tokens')
    .where('expires_at', '<', now - DAY_MS)
    .execute();
  await db
    .deleteFrom('sandbox_refresh_tokens')
    .where('expires_at', '<', now - DAY_MS)
    .execute();
}

function toGrant(row: SandboxCodesTable): SandboxCode {
  return {
    clientId: row.client_id,
    redirectUri: row.redirect_uri,
    codeChallenge: row.code_challenge,
    subject: row.subject,
    expiresAt: row.expires_at,
  };
}

import type { Kysely } from 'kysely';
import { DAY_MS } from '../../core/duration.ts';
import type { Database } from '../../storage/database.ts';
import type { SandboxCodesTable, Schema } from '../../storage/schema.ts';
import { secretDigest } from '../secret-digest.ts';

/** What a person allowed, until it is exchanged. Instants in ms since the epoch. */
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
  readonly expiresAt: number;
}

/** The practice broker's own memory. It keeps digests and could not say a code or a token again. */
export interface SandboxStore {
  saveCode(code: string, grant: SandboxCode, now: number): Promise<void>;
  /**
   * Uses up the code and keeps the tokens if `accepts` agrees, in one transaction. A code that was used before ends
   * the tokens that came from it (RFC 6749, 4.1.2): whoever comes second cannot tell which of the two was the thief.
   */
  redeem(
    code: string,
    tokens: SandboxTokens,
    accepts: (grant: SandboxCode) => boolean,
    now: number,
  ): Promise<'redeemed' | 'refused'>;
  /** Who a live access token belongs to. */
  findSubject(accessToken: string, now: number): Promise<string | undefined>;
  /** Ends an access or feed token of the client together with its sister. */
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
        const row = await useUp(trx, codeDigest, now);
        if (row === undefined) await endTokensOf(trx, codeDigest, now);
        if (row === undefined || !accepts(toGrant(row))) return 'refused';
        await insertTokens(trx, row, tokens, now);
        return 'redeemed';
      }),

    async findSubject(accessToken, now) {
      const row = await db
        .selectFrom('sandbox_tokens')
        .select('subject')
        .where('token_digest', '=', secretDigest(accessToken))
        .where('kind', '=', 'access')
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row?.subject;
    },

    async revoke(token, clientId, now) {
      const row = await db
        .selectFrom('sandbox_tokens')
        .select('code_digest')
        .where('token_digest', '=', secretDigest(token))
        .where('client_id', '=', clientId)
        .executeTakeFirst();
      if (row !== undefined) await endTokensOf(db, row.code_digest, now);
    },
  };
}

function useUp(db: Kysely<Schema>, codeDigest: string, now: number): Promise<SandboxCodesTable | undefined> {
  return db
    .updateTable('sandbox_codes')
    .set({ used_at: now })
    .where('code_digest', '=', codeDigest)
    .where('used_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}

async function insertTokens(
  db: Kysely<Schema>,
  code: SandboxCodesTable,
  tokens: SandboxTokens,
  now: number,
): Promise<void> {
  const shared = {
    code_digest: code.code_digest,
    client_id: code.client_id,
    subject: code.subject,
    issued_at: now,
    expires_at: tokens.expiresAt,
    revoked_at: null,
  };
  await db
    .insertInto('sandbox_tokens')
    .values([
      { ...shared, kind: 'access', token_digest: secretDigest(tokens.accessToken) },
      { ...shared, kind: 'feed', token_digest: secretDigest(tokens.feedToken) },
    ])
    .execute();
}

async function endTokensOf(db: Kysely<Schema>, codeDigest: string, now: number): Promise<void> {
  await db
    .updateTable('sandbox_tokens')
    .set({ revoked_at: now })
    .where('code_digest', '=', codeDigest)
    .where('revoked_at', 'is', null)
    .execute();
}

/** A used code is kept as long as its tokens can live, so that its second use is noticed. */
async function forgetOld(db: Kysely<Schema>, now: number): Promise<void> {
  await db
    .deleteFrom('sandbox_codes')
    .where('expires_at', '<', now - DAY_MS)
    .execute();
  await db.deleteFrom('sandbox_tokens').where('expires_at', '<', now).execute();
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

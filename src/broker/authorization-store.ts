import type { Selectable } from 'kysely';
import { MINUTE_MS } from '../core/duration.ts';
import type { Database } from '../storage/database.ts';
import type { BrokerAuthorizationsTable } from '../storage/schema.ts';
import { secretDigest } from './secret-digest.ts';

/** A person sent to a broker and not yet back. Neither the state nor the session id is kept, only their digests. */
export interface PendingAuthorization {
  readonly sessionDigest: string;
  readonly userId: string;
  readonly broker: string;
  /** A ciphertext. */
  readonly codeVerifier: string;
  readonly returnTo: string;
  /** Whether the connection is to stay until the cutoff when no browser is signed in. */
  readonly held: boolean;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface NewAuthorization extends Omit<PendingAuthorization, 'sessionDigest' | 'expiresAt'> {
  readonly state: string;
  readonly sid: string;
}

export const AUTHORIZATION_LIFETIME_MS = 10 * MINUTE_MS;

/** Two tabs may both be on their way; a few are enough. */
const PENDING_PER_SESSION = 5;

export interface AuthorizationStore {
  begin(authorization: NewAuthorization, now: number): Promise<void>;
  /** Takes it away, also where it then fails: a state works once. */
  take(state: string): Promise<PendingAuthorization | undefined>;
  /**
   * For brokers that come back without the state: takes away all that a session has begun at a broker, and gives what was
   * begun last. Who left the broker's page and began again has two under way, and nothing tells their answers apart.
   */
  takeLatest(sid: string, broker: string): Promise<PendingAuthorization | undefined>;
  /** Forgets what was begun before an instant, of one user or of everyone. In ms since the epoch. */
  forgetBegunBefore(instant: number, userId?: string): Promise<void>;
}

export function createAuthorizationStore({ db }: Database): AuthorizationStore {
  return {
    async begin({ state, sid, userId, broker, codeVerifier, returnTo, held }, now) {
      const sessionDigest = secretDigest(sid);
      await db.deleteFrom('broker_authorizations').where('expires_at', '<=', now).execute();
      await db
        .insertInto('broker_authorizations')
        .values({
          state_digest: secretDigest(state),
          session_digest: sessionDigest,
          user_id: userId,
          broker,
          code_verifier: codeVerifier,
          return_to: returnTo,
          expires_at: now + AUTHORIZATION_LIFETIME_MS,
          is_held: held ? 1 : 0,
        })
        .execute();
      await db
        .deleteFrom('broker_authorizations')
        .where('session_digest', '=', sessionDigest)
        .where('state_digest', 'not in', (eb) =>
          eb
            .selectFrom('broker_authorizations')
            .select('state_digest')
            .where('session_digest', '=', sessionDigest)
            .orderBy('expires_at', 'desc')
            .limit(PENDING_PER_SESSION),
        )
        .execute();
    },

    async take(state) {
      const row = await db
        .deleteFrom('broker_authorizations')
        .where('state_digest', '=', secretDigest(state))
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : toPending(row);
    },

    async takeLatest(sid, broker) {
      const rows = await db
        .deleteFrom('broker_authorizations')
        .where('session_digest', '=', secretDigest(sid))
        .where('broker', '=', broker)
        .returningAll()
        .execute();
      const [latest] = rows.toSorted((a, b) => b.expires_at - a.expires_at);
      return latest && toPending(latest);
    },

    async forgetBegunBefore(instant, userId) {
      const begun = db
        .deleteFrom('broker_authorizations')
        .where('expires_at', '<', instant + AUTHORIZATION_LIFETIME_MS);
      await (userId === undefined ? begun : begun.where('user_id', '=', userId)).execute();
    },
  };
}

function toPending(row: Selectable<BrokerAuthorizationsTable>): PendingAuthorization {
  return {
    sessionDigest: row.session_digest,
    userId: row.user_id,
    broker: row.broker,
    codeVerifier: row.code_verifier,
    returnTo: row.return_to,
    expiresAt: row.expires_at,
    held: row.is_held === 1,
  };
}

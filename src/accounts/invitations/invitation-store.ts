import type { Selectable } from 'kysely';
import type { Role } from '../../core/role.ts';
import type { InTransaction } from '../../storage/change-in-transaction.ts';
import type { Database } from '../../storage/database.ts';
import type { InvitationsTable } from '../../storage/schema.ts';

export interface Invitation {
  readonly id: string;
  /** Undefined where the link is handed over in another way. */
  readonly email: string | undefined;
  readonly role: Role;
  /** A user's id. */
  readonly invitedBy: string;
  /** Milliseconds since the epoch, all of them. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly outcome: 'accepted' | 'revoked' | undefined;
  readonly endedAt: number | undefined;
}

export interface InvitationStore {
  add(invitation: Omit<Invitation, 'outcome' | 'endedAt'>, digest: string): Promise<void>;
  /** Open, and by an administrator who still is one. */
  findOpen(digest: string, now: number): Promise<Invitation | undefined>;
  find(id: string): Promise<Invitation | undefined>;
  /** Newest first. */
  list(limit: number): Promise<readonly Invitation[]>;
  /** One of several callers gets true, who was the first. */
  accept(digest: string, now: number, within: InTransaction): Promise<boolean>;
  /** False where it has ended already. */
  revoke(id: string, now: number): Promise<boolean>;
  /** Forgets what was over before. */
  forgetOver(before: number): Promise<void>;
}

export function createInvitationStore({ db }: Pick<Database, 'db'>): InvitationStore {
  const administrators = (trx: Pick<InTransaction, 'selectFrom'>) =>
    trx.selectFrom('users').select('id').where('role', '=', 'admin').where('disabled', '=', 0);

  return {
    async add({ id, email, role, invitedBy, createdAt, expiresAt }, digest) {
      await db
        .insertInto('invitations')
        .values({
          id,
          digest,
          email: email ?? null,
          role,
          invited_by: invitedBy,
          created_at: createdAt,
          expires_at: expiresAt,
          outcome: null,
          ended_at: null,
        })
        .execute();
    },

    async findOpen(digest, now) {
      const row = await db
        .selectFrom('invitations')
        .selectAll()
        .where('digest', '=', digest)
        .where('outcome', 'is', null)
        .where('expires_at', '>', now)
        .where('invited_by', 'in', administrators(db))
        .executeTakeFirst();
      return row && toInvitation(row);
    },

    async find(id) {
      const row = await db.selectFrom('invitations').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toInvitation(row);
    },

    async list(limit) {
      const rows = await db
        .selectFrom('invitations')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toInvitation);
    },

    async accept(digest, now, within) {
      const { numUpdatedRows } = await within
        .updateTable('invitations')
        .set({ outcome: 'accepted', ended_at: now })
        .where('digest', '=', digest)
        .where('outcome', 'is', null)
        .where('expires_at', '>', now)
        .where('invited_by', 'in', administrators(within))
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async revoke(id, now) {
      const { numUpdatedRows } = await db
        .updateTable('invitations')
        .set({ outcome: 'revoked', ended_at: now })
        .where('id', '=', id)
        .where('outcome', 'is', null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async forgetOver(before) {
      await db.deleteFrom('invitations').where('expires_at', '<', before).execute();
    },
  };
}

function toInvitation(row: Selectable<InvitationsTable>): Invitation {
  return {
    id: row.id,
    email: row.email ?? undefined,
    role: row.role,
    invitedBy: row.invited_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    outcome: row.outcome ?? undefined,
    endedAt: row.ended_at ?? undefined,
  };
}

/** Revokes the open invitations that a user made. `now`: ms since the epoch. */
export async function revokeInvitationsBy(trx: InTransaction, userId: string, now: number): Promise<void> {
  await trx
    .updateTable('invitations')
    .set({ outcome: 'revoked', ended_at: now })
    .where('invited_by', '=', userId)
    .where('outcome', 'is', null)
    .execute();
}

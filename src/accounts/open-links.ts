import type { InTransaction } from '../storage/change-in-transaction.ts';

/** With the password, the email address or the account itself goes what was sent out to change the first two. */
export async function removeAccountLinks(trx: InTransaction, userId: string): Promise<void> {
  await trx
    .deleteFrom('one_time_links')
    .where('user_id', '=', userId)
    .where('purpose', 'in', ['password_reset', 'email_change'])
    .execute();
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

import type { Selectable } from 'kysely';
import type { InTransaction } from '../../storage/change-in-transaction.ts';
import type { Database } from '../../storage/database.ts';
import type { OneTimeLinksTable } from '../../storage/schema.ts';
import type { LinkPurpose } from './one-time-links.ts';

export interface StoredLink {
  readonly digest: string;
  readonly purpose: LinkPurpose;
  readonly userId: string;
  /** Its subject: a device, an email address, or the origin of the link. */
  readonly subject: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

type Key = Pick<StoredLink, 'digest' | 'purpose'>;

/** Links that work once, by their digests. */
export interface LinkStore {
  add(link: StoredLink, now: number): Promise<void>;
  find(key: Key, now: number): Promise<StoredLink | undefined>;
  /** Takes it out: one of several callers gets it. */
  use(key: Key, now: number, within?: InTransaction): Promise<StoredLink | undefined>;
  /** All of a user's for one purpose. */
  removeAllOf(userId: string, purpose: LinkPurpose): Promise<void>;
  removeExpired(now: number): Promise<void>;
}

export function createLinkStore({ db }: Pick<Database, 'db'>): LinkStore {
  return {
    async add({ digest, purpose, userId, subject, expiresAt }, now) {
      const row = { digest, purpose, user_id: userId, subject, created_at: now, expires_at: expiresAt };
      await db.insertInto('one_time_links').values(row).execute();
    },

    async find({ digest, purpose }, now) {
      const row = await db
        .selectFrom('one_time_links')
        .selectAll()
        .where('digest', '=', digest)
        .where('purpose', '=', purpose)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row && toLink(row, purpose);
    },

    async use({ digest, purpose }, now, within) {
      const row = await (within ?? db)
        .deleteFrom('one_time_links')
        .where('digest', '=', digest)
        .where('purpose', '=', purpose)
        .where('expires_at', '>', now)
        .returningAll()
        .executeTakeFirst();
      return row && toLink(row, purpose);
    },

    async removeAllOf(userId, purpose) {
      await db
        .deleteFrom('one_time_links')
        .where('user_id', '=', userId)
        .where('purpose', '=', purpose)
        .execute();
    },

    async removeExpired(now) {
      await db.deleteFrom('one_time_links').where('expires_at', '<=', now).execute();
    },
  };
}

function toLink(row: Selectable<OneTimeLinksTable>, purpose: LinkPurpose): StoredLink {
  const { digest, user_id: userId, subject, expires_at: expiresAt } = row;
  return { digest, purpose, userId, subject, expiresAt };
}

/** With the password, the email address or the account itself goes what was sent out to change the first two. */
export async function removeAccountLinks(trx: InTransaction, userId: string): Promise<void> {
  await trx
    .deleteFrom('one_time_links')
    .where('user_id', '=', userId)
    .where('purpose', 'in', ['password_reset', 'email_change'])
    .execute();
}

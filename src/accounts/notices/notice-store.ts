import { randomUUID } from 'node:crypto';
import type { Database } from '../../storage/database.ts';
import type { NoticeKind } from '../../storage/schema.ts';

/** A notice on a user's pages until they have seen it. */
export interface AccountNotice {
  readonly id: string;
  readonly kind: NoticeKind;
  /** The device that it is about; '' for none. */
  readonly device: string;
  /** `Firefox on Linux, from 203.0.113.7`; of a change, whole sentences. */
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface NoticeStore {
  add(
    notice: Omit<AccountNotice, 'id' | 'createdAt'> & { readonly userId: string; readonly expiresAt: number },
    now: number,
  ): Promise<void>;
  /** Changes of the account, then new devices, the newest of each first; a few. */
  listOf(userId: string, now: number): Promise<readonly AccountNotice[]>;
  remove(userId: string, id: string): Promise<void>;
  removeExpired(now: number): Promise<void>;
}

const MOST_SHOWN = 5;
/** New devices of a user that are kept: a program without cookies is a new one at each sign-in. */
const MOST_DEVICES = 20;

export function createNoticeStore({ db }: Pick<Database, 'db'>): NoticeStore {
  async function removeOldDevices(userId: string): Promise<void> {
    const kept = db
      .selectFrom('account_notices')
      .select('id')
      .where('user_id', '=', userId)
      .where('kind', '=', 'new_device')
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(MOST_DEVICES);
    await db
      .deleteFrom('account_notices')
      .where('user_id', '=', userId)
      .where('kind', '=', 'new_device')
      .where('id', 'not in', kept)
      .execute();
  }

  return {
    async add({ userId, kind, device, text, expiresAt }, now) {
      const row = { id: randomUUID(), user_id: userId, kind, device, text };
      await db
        .insertInto('account_notices')
        .values({ ...row, created_at: now, expires_at: expiresAt })
        .execute();
      if (kind === 'new_device') await removeOldDevices(userId);
    },

    async listOf(userId, now) {
      const rows = await db
        .selectFrom('account_notices')
        .select(['id', 'kind', 'device', 'text', 'created_at'])
        .where('user_id', '=', userId)
        .where('expires_at', '>', now)
        // Changes of the account come first: new devices must not push them off the page.
        .orderBy((eb) => eb('kind', '=', 'new_device'))
        .orderBy('created_at', 'desc')
        .limit(MOST_SHOWN)
        .execute();
      return rows.map(({ created_at, ...notice }) => ({ ...notice, createdAt: created_at }));
    },

    async remove(userId, id) {
      await db.deleteFrom('account_notices').where('id', '=', id).where('user_id', '=', userId).execute();
    },

    async removeExpired(now) {
      await db.deleteFrom('account_notices').where('expires_at', '<=', now).execute();
    },
  };
}

import type { Database } from '../storage/database.ts';

/** A logout that no broker took. Instants in ms since the epoch. */
export interface FailedLogout {
  readonly id: string;
  readonly userId: string;
  readonly username: string;
  readonly broker: string;
  readonly requestedAt: number;
  readonly attempts: number;
  /** A fixed word: the last reason why not. */
  readonly why: string;
  /** When the broker ends the token by itself; undefined where that is not known. */
  readonly expiresAt: number | undefined;
  /** False once the token is wiped: then there is no trying again. */
  readonly hasToken: boolean;
}

/** The logouts that were given up, for an administrator to look at. */
export interface FailedLogoutStore {
  /** The newest first; 200 at most. */
  list(): Promise<readonly FailedLogout[]>;
  /** Puts one back into the queue as if it were new. Undefined: it is not there any more, or has no token. */
  tryAgain(id: string, now: number): Promise<{ userId: string; broker: string } | undefined>;
  dismiss(id: string): Promise<{ userId: string; broker: string } | undefined>;
  /** Wipes the tokens that their brokers have ended by themselves. */
  wipeExpired(now: number): Promise<void>;
  /** How many logouts are open, and how many given up. */
  count(): Promise<{ readonly open: number; readonly dead: number }>;
}

const SHOWN = 200;

export function createFailedLogoutStore({ db }: Database): FailedLogoutStore {
  return {
    async list() {
      const rows = await db
        .selectFrom('broker_logouts')
        .innerJoin('users', 'users.id', 'broker_logouts.user_id')
        .selectAll('broker_logouts')
        .select('users.username')
        .where('status', '=', 'dead')
        .orderBy('requested_at', 'desc')
        .orderBy('broker_logouts.id')
        .limit(SHOWN)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        userId: row.user_id,
        username: row.username,
        broker: row.broker,
        requestedAt: row.requested_at,
        attempts: row.attempts,
        why: row.last_error ?? '',
        expiresAt: row.expires_at ?? undefined,
        hasToken: row.access_token !== null,
      }));
    },

    async tryAgain(id, now) {
      const row = await db
        .updateTable('broker_logouts')
        .set({ status: 'open', attempts: 0, requested_at: now, next_attempt_at: now })
        .where('id', '=', id)
        .where('status', '=', 'dead')
        .where('access_token', 'is not', null)
        .returning(['user_id', 'broker'])
        .executeTakeFirst();
      return row && { userId: row.user_id, broker: row.broker };
    },

    async dismiss(id) {
      const row = await db
        .deleteFrom('broker_logouts')
        .where('id', '=', id)
        .where('status', '=', 'dead')
        .returning(['user_id', 'broker'])
        .executeTakeFirst();
      return row && { userId: row.user_id, broker: row.broker };
    },

    async wipeExpired(now) {
      await db
        .updateTable('broker_logouts')
        .set({ access_token: null })
        .where('status', '=', 'dead')
        .where('expires_at', '<=', now)
        .where('access_token', 'is not', null)
        .execute();
    },

    async count() {
      const rows = await db
        .selectFrom('broker_logouts')
        .select((select) => ['status', select.fn.countAll<number>().as('total')])
        .where('status', 'in', ['open', 'dead'])
        .groupBy('status')
        .execute();
      const of = (status: string) => Number(rows.find((row) => row.status === status)?.total ?? 0);
      return { open: of('open'), dead: of('dead') };
    },
  };
}

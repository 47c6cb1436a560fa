import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { LeaseOptions } from '../core/leased-queue.ts';
import type { MailKind } from '../core/mail.ts';
import type { Database } from '../storage/database.ts';
import type { MailMessagesTable } from '../storage/schema.ts';

export interface NewMailMessage {
  readonly recipient: string;
  readonly kind: MailKind;
  /** Encrypted: there may be a link in it. */
  readonly sealed: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A message that this node works on until its lease is over. */
export interface ClaimedMail extends NewMailMessage {
  /** Stands in its Message-ID: a mail that is sent twice because a node died is known by it. */
  readonly id: string;
  /** Tries that failed. */
  readonly failures: number;
  readonly leaseUntil: number;
}

/** The mails that wait. What they say goes as soon as they are sent or given up. Instants in ms since the epoch. */
export interface MailStore {
  add(message: NewMailMessage, now: number): Promise<void>;
  /** Two nodes never get the same one while its lease runs. */
  claimDue(lease: LeaseOptions): Promise<readonly ClaimedMail[]>;
  postpone(mail: ClaimedMail, problem: string, nextAttemptAt: number): Promise<void>;
  end(mail: ClaimedMail, outcome: 'sent' | 'failed', problem: string | undefined, now: number): Promise<void>;
  countOpenAndFailed(): Promise<{ readonly open: number; readonly failed: number }>;
  forgetEnded(before: number): Promise<void>;
}

export function createMailStore({ db }: Pick<Database, 'db'>): MailStore {
  const claimed = ({ id, leaseUntil }: ClaimedMail) =>
    db
      .updateTable('mail_messages')
      .where('id', '=', id)
      .where('status', '=', 'open')
      .where('next_attempt_at', '=', leaseUntil);

  async function count(status: 'open' | 'failed'): Promise<number> {
    const { messages } = await db
      .selectFrom('mail_messages')
      .select((eb) => eb.fn.countAll<number>().as('messages'))
      .where('status', '=', status)
      .executeTakeFirstOrThrow();
    return Number(messages);
  }

  return {
    async add({ recipient, kind, sealed, expiresAt }, now) {
      await db
        .insertInto('mail_messages')
        .values({
          id: randomUUID(),
          recipient,
          kind,
          sealed,
          created_at: now,
          next_attempt_at: now,
          expires_at: expiresAt,
          failures: 0,
          status: 'open',
          problem: null,
          ended_at: null,
        })
        .execute();
    },

    async claimDue({ now, limit, leaseMs }) {
      const rows = await db
        .updateTable('mail_messages')
        .set({ next_attempt_at: now + leaseMs })
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('mail_messages')
            .select('id')
            // Literally, or SQLite would not see that the index of the open ones fits.
            .where('status', '=', sql.lit('open'))
            .where('next_attempt_at', '<=', now)
            .orderBy('next_attempt_at')
            .limit(limit),
        )
        // Said again outside: Postgres asks it again of a row that another node has just moved.
        .where('next_attempt_at', '<=', now)
        .where('status', '=', 'open')
        .returningAll()
        .execute();
      return rows.flatMap(toClaim);
    },

    async postpone(mail, problem, nextAttemptAt) {
      await claimed(mail)
        .set((eb) => ({ problem, next_attempt_at: nextAttemptAt, failures: eb('failures', '+', 1) }))
        .execute();
    },

    async end(mail, status, problem, now) {
      await claimed(mail)
        .set({ status, problem: problem ?? null, ended_at: now, sealed: null })
        .execute();
    },

    countOpenAndFailed: async () => ({ open: await count('open'), failed: await count('failed') }),

    async forgetEnded(before) {
      await db.deleteFrom('mail_messages').where('ended_at', '<', before).execute();
    },
  };
}

function toClaim(row: Selectable<MailMessagesTable>): readonly ClaimedMail[] {
  const { id, recipient, kind, sealed, expires_at: expiresAt, failures, next_attempt_at: leaseUntil } = row;
  return sealed === null ? [] : [{ id, recipient, kind, sealed, expiresAt, failures, leaseUntil }];
}

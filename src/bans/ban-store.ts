import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { type BanCause, type BanLength, type BanReason, banEnd, nextLength } from '../core/ban-policy.ts';
import { containsText } from '../storage/contains-text.ts';
import type { Database } from '../storage/database.ts';
import type { BansTable, Schema } from '../storage/schema.ts';
import { type BanChangeResult, changeBans } from './ban-change-store.ts';

export interface Ban {
  readonly id: number;
  /** An IPv4 address, or the /64 of an IPv6 one. */
  readonly subject: string;
  readonly reason: BanReason;
  readonly note: string;
  /** Which of the subject's automatic bans it is, from 1; 0 for a manual one. */
  readonly offence: number;
  readonly bannedBy: string;
  /** Milliseconds since the epoch. */
  readonly bannedAt: number;
  /** The same; Infinity for a permanent one. */
  readonly until: number;
}

export type NewBan = Omit<Ban, 'id' | 'offence' | 'bannedAt'>;

export interface BanSearch {
  /** A part of the address or of the note; '' for all. */
  readonly text: string;
  readonly reason: BanReason | undefined;
  readonly offset: number;
  readonly limit: number;
}

export interface BanStore {
  find(id: number, now: number): Promise<Ban | undefined>;
  findBySubject(subject: string, now: number): Promise<Ban | undefined>;
  /** Newest first. */
  search(search: BanSearch, now: number): Promise<{ readonly bans: readonly Ban[]; readonly total: number }>;
  /** All that are in force, in batches and in the order in which they were made. */
  listAll(now: number): AsyncIterable<readonly Ban[]>;
  /** How often a subject was banned automatically, as far as that is remembered. */
  countOffences(subject: string): Promise<number>;

  /** The next offence of a subject; undefined when it is banned already. Nothing counts against it any more. */
  addOffence(
    offender: { readonly subject: string; readonly cause: BanCause; readonly ladder: readonly BanLength[] },
    now: number,
  ): Promise<BanChangeResult<Ban> | undefined>;
  /** Takes the place of a ban that the subject has. */
  put(ban: NewBan, now: number): Promise<BanChangeResult<Ban> | undefined>;
  /** Adds those whose subjects are not banned; undefined when all of them are. */
  addMany(bans: readonly NewBan[], now: number): Promise<BanChangeResult<readonly Ban[]> | undefined>;
  /** Undefined when there was none in force. `forget`: its offences as well. */
  lift(
    subject: string,
    options: { readonly forget: boolean },
    now: number,
  ): Promise<BanChangeResult<Ban> | undefined>;

  /** Those that are over, at most `limit`. They end by the clock, without a message to other nodes. */
  removeOver(now: number, limit: number): Promise<readonly Ban[]>;
  forgetOffencesBefore(instant: number): Promise<void>;
}

const BATCH = 500;

export function createBanStore(database: Database): BanStore {
  const { db } = database;

  return {
    ...createBanReads(db),

    addOffence: ({ subject, cause, ladder }, now) =>
      changeBans(database, async (trx) => {
        await forgetHits(trx, [subject]);
        if (await isBanned(trx, subject, now)) return undefined;
        const offence = await raiseOffences(trx, subject, now);
        const until = banEnd(nextLength(ladder, offence - 1), now);
        return insert(trx, { subject, reason: cause, note: '', bannedBy: 'system', until }, offence, now);
      }),

    put: (ban, now) => changeBans(database, (trx) => insert(trx, ban, 0, now)),

    addMany: (bans, now) =>
      changeBans(database, async (trx) => {
        await trx.deleteFrom('bans').where('expires_at', '<=', now).execute();
        const added: Ban[] = [];
        for (let start = 0; start < bans.length; start += BATCH) {
          const rows = await trx
            .insertInto('bans')
            .values(bans.slice(start, start + BATCH).map((ban) => toRow(ban, 0, now)))
            .onConflict((conflict) => conflict.column('subject').doNothing())
            .returningAll()
            .execute();
          added.push(...rows.map(toBan));
        }
        return added.length === 0 ? undefined : added;
      }),

    lift: (subject, { forget }, now) =>
      changeBans(database, async (trx) => {
        await forgetHits(trx, [subject]);
        if (forget) await trx.deleteFrom('ban_offences').where('subject', '=', subject).execute();
        const row = await trx
          .deleteFrom('bans')
          .where('subject', '=', subject)
          .returningAll()
          .executeTakeFirst();
        return row === undefined || isOver(row, now) ? undefined : toBan(row);
      }),

    async removeOver(now, limit) {
      const rows = await db
        .deleteFrom('bans')
        .where('expires_at', '<=', now)
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('bans as over')
            .select('over.id')
            .where('over.expires_at', '<=', now)
            .orderBy('over.expires_at')
            .limit(limit),
        )
        .returningAll()
        .execute();
      return rows.map(toBan);
    },

    async forgetOffencesBefore(instant) {
      await db
        .deleteFrom('ban_offences')
        .where('last_at', '<', instant)
        .where('subject', 'not in', (eb) => eb.selectFrom('bans').select('bans.subject'))
        .execute();
    },
  };
}

function createBanReads(
  db: Kysely<Schema>,
): Pick<BanStore, 'find' | 'findBySubject' | 'search' | 'listAll' | 'countOffences'> {
  const inForce = (now: number) =>
    db
      .selectFrom('bans')
      .where(({ eb, or }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]));

  return {
    async find(id, now) {
      const row = await inForce(now).selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toBan(row);
    },

    async findBySubject(subject, now) {
      const row = await inForce(now).selectAll().where('subject', '=', subject).executeTakeFirst();
      return row === undefined ? undefined : toBan(row);
    },

    async search({ text, reason, offset, limit }, now) {
      let matching = inForce(now);
      if (reason !== undefined) matching = matching.where('reason', '=', reason);
      if (text !== '') {
        const lower = text.toLowerCase();
        matching = matching.where(({ or }) =>
          or([containsText(sql.ref('subject'), lower), containsText(sql`lower(note)`, lower)]),
        );
      }
      const { total } = await matching
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      const rows = await matching.selectAll().orderBy('id', 'desc').offset(offset).limit(limit).execute();
      return { bans: rows.map(toBan), total: Number(total) };
    },

    async *listAll(now) {
      for (let last = 0; ; ) {
        const rows = await inForce(now)
          .selectAll()
          .where('id', '>', last)
          .orderBy('id')
          .limit(BATCH)
          .execute();
        if (rows.length === 0) return;
        yield rows.map(toBan);
        last = rows.at(-1)?.id ?? last;
        // SQLite answers without leaving the event loop.
        await nextTurn();
      }
    },

    async countOffences(subject) {
      const row = await db
        .selectFrom('ban_offences')
        .select('offences')
        .where('subject', '=', subject)
        .executeTakeFirst();
      return row?.offences ?? 0;
    },
  };
}

type Row = Selectable<BansTable>;

async function isBanned(trx: Transaction<Schema>, subject: string, now: number): Promise<boolean> {
  const row = await trx.selectFrom('bans').selectAll().where('subject', '=', subject).executeTakeFirst();
  return row !== undefined && !isOver(row, now);
}

async function raiseOffences(trx: Transaction<Schema>, subject: string, now: number): Promise<number> {
  const { offences } = await trx
    .insertInto('ban_offences')
    .values({ subject, offences: 1, last_at: now })
    .onConflict((conflict) =>
      conflict
        .column('subject')
        .doUpdateSet((eb) => ({ offences: eb('ban_offences.offences', '+', 1), last_at: now })),
    )
    .returning('offences')
    .executeTakeFirstOrThrow();
  return offences;
}

/** In the place of what was there: also of a ban that is over and was not tidied up yet. */
async function insert(trx: Transaction<Schema>, ban: NewBan, offence: number, now: number): Promise<Ban> {
  await trx.deleteFrom('bans').where('subject', '=', ban.subject).execute();
  const row = await trx
    .insertInto('bans')
    .values(toRow(ban, offence, now))
    .returningAll()
    .executeTakeFirstOrThrow();
  return toBan(row);
}

async function forgetHits(trx: Transaction<Schema>, subjects: readonly string[]): Promise<void> {
  await trx.deleteFrom('ban_hits').where('subject', 'in', subjects).execute();
}

const isOver = (row: Row, now: number): boolean => row.expires_at !== null && row.expires_at <= now;

function toRow({ subject, reason, note, bannedBy, until }: NewBan, offence: number, now: number) {
  return {
    subject,
    reason,
    note,
    offence,
    banned_by: bannedBy,
    banned_at: now,
    expires_at: Number.isFinite(until) ? until : null,
  };
}

function toBan(row: Row): Ban {
  return {
    id: row.id,
    subject: row.subject,
    reason: readReason(row.reason),
    note: row.note,
    offence: row.offence,
    bannedBy: row.banned_by,
    bannedAt: row.banned_at,
    until: row.expires_at ?? Number.POSITIVE_INFINITY,
  };
}

/** A reason that a later version wrote counts as manual. */
function readReason(text: string): BanReason {
  return (
    (['invalid_api_keys', 'suspicious_paths', 'imported'] as const).find((known) => known === text) ??
    'manual'
  );
}

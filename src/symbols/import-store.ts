import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import { readStoredJson } from '../storage/read-stored-json.ts';
import type { Schema, SymbolImportsTable } from '../storage/schema.ts';
import type { ImportNotes } from './import-notes.ts';
import type { ImportProgress, ImportRecord } from './import-record.ts';
import type { PlacedInstrument, SymbolIndex, SymbolRange } from './symbol-index.ts';

/** Facts about a new master besides its symbols. */
export interface NewMaster extends SymbolRange {
  readonly broker: string;
  readonly exchanges: readonly string[];
  readonly types: readonly string[];
}

/** Some of the symbols in the range that begins with `firstId`, in ascending order of their ids. */
export interface SymbolBatch {
  readonly firstId: number;
  readonly symbols: readonly PlacedInstrument[];
}

export interface ImportEnd extends Pick<ImportNotes, 'broker' | 'badLines' | 'badLineSamples'> {
  readonly now: number;
}

export function endOf({ broker, badLines, badLineSamples }: ImportNotes, now: number): ImportEnd {
  return { broker, badLines, badLineSamples, now };
}

/** Symbols that are hidden. */
export interface Leftovers {
  readonly importId: string;
  readonly firstId: number;
  readonly lastId: number;
}

/**
 * Imports, and the one change over from a master to the next. The node that runs an import says so again and again; `false`
 * tells that it was given up as dead meanwhile and must stop. Instants in ms since the epoch.
 */
export interface ImportStore {
  /** False when one is running: one at a time, on all nodes together. */
  begin(start: { id: string; fileName: string; requestedBy: string; now: number }): Promise<boolean>;
  sayAlive(id: string, progress: ImportProgress, now: number): Promise<boolean>;
  /** Keeps ids for so many symbols; undefined when the import was given up. */
  reserve(id: string, count: number, now: number): Promise<{ firstId: number; lastId: number } | undefined>;
  /** All of them or none. */
  insert(id: string, batch: SymbolBatch, progress: ImportProgress, now: number): Promise<boolean>;
  /** From this commit on all users see the new master. */
  changeOver(id: string, master: NewMaster, end: ImportEnd): Promise<boolean>;
  /** Ends an import that changes nothing. */
  giveUp(id: string, status: 'refused' | 'failed', problem: string, end: ImportEnd): Promise<boolean>;
  /** Gives up the import that was last heard of before an instant; its id. */
  giveUpSilent(heardBefore: number, problem: string, now: number): Promise<string | undefined>;
  running(): Promise<ImportRecord | undefined>;
  find(id: string): Promise<ImportRecord | undefined>;
  /** Newest first. */
  listLatest(limit: number): Promise<readonly ImportRecord[]>;
  /** Of imports that are over or replaced since before an instant. */
  listLeftovers(retiredBefore: number): Promise<readonly Leftovers[]>;
  /** The leftovers up to a symbol were deleted. */
  forgetLeftovers(importId: string, upToId: number): Promise<void>;
}

export function createImportStore({ db }: Database, index: SymbolIndex): ImportStore {
  return {
    ...createImportReads(db),

    async begin({ id, fileName, requestedBy, now }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('symbol_imports')
        .values({
          id,
          broker: null,
          file_name: fileName,
          requested_by: requestedBy,
          status: 'running',
          stage: 'receiving',
          stage_done: 0,
          stage_total: 0,
          started_at: now,
          heard_at: now,
          finished_at: null,
          instruments: 0,
          instruments_before: 0,
          bad_lines: 0,
          bad_line_samples: '[]',
          problem: null,
          first_id: null,
          last_id: null,
          retired_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },

    sayAlive: (id, progress, now) => sayAlive(db, id, progress, now),

    reserve: (id, count, now) =>
      db.transaction().execute(async (trx) => {
        const { last } = await trx
          .selectFrom('symbol_imports')
          .select((select) => select.fn.max('last_id').as('last'))
          .executeTakeFirstOrThrow();
        const firstId = (last ?? 0) + 1;
        const lastId = firstId + count - 1;
        const updated = await trx
          .updateTable('symbol_imports')
          .set({ first_id: firstId, last_id: lastId, heard_at: now })
          .where('id', '=', id)
          .where('status', '=', 'running')
          .executeTakeFirst();
        return updated.numUpdatedRows === 1n ? { firstId, lastId } : undefined;
      }),

    insert: (id, { firstId, symbols }, progress, now) =>
      db.transaction().execute(async (trx) => {
        if (!(await sayAlive(trx, id, progress, now))) return false;
        await index.insert(trx, firstId, symbols);
        return true;
      }),

    changeOver: (id, master, end) => db.transaction().execute((trx) => changeOver(trx, id, master, end)),

    async giveUp(id, status, problem, end) {
      const updated = await db
        .updateTable('symbol_imports')
        .set({ ...toEnding(end), status, problem, retired_at: end.now })
        .where('id', '=', id)
        .where('status', '=', 'running')
        .executeTakeFirst();
      return updated.numUpdatedRows === 1n;
    },

    async giveUpSilent(heardBefore, problem, now) {
      const row = await db
        .updateTable('symbol_imports')
        .set({ status: 'failed', problem, finished_at: now, retired_at: now })
        .where('status', '=', 'running')
        .where('heard_at', '<', heardBefore)
        .returning('id')
        .executeTakeFirst();
      return row?.id;
    },

    async forgetLeftovers(importId, upToId) {
      await db
        .updateTable('symbol_imports')
        .set({ first_id: upToId + 1 })
        .where('id', '=', importId)
        .execute();
    },
  };
}

function createImportReads(
  db: Kysely<Schema>,
): Pick<ImportStore, 'running' | 'find' | 'listLatest' | 'listLeftovers'> {
  return {
    async running() {
      const row = await db
        .selectFrom('symbol_imports')
        .selectAll()
        .where('status', '=', 'running')
        .executeTakeFirst();
      return row && toRecord(row);
    },

    async find(id) {
      const row = await db.selectFrom('symbol_imports').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toRecord(row);
    },

    async listLatest(limit) {
      const rows = await db
        .selectFrom('symbol_imports')
        .selectAll()
        .orderBy('started_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toRecord);
    },

    async listLeftovers(retiredBefore) {
      const rows = await db
        .selectFrom('symbol_imports')
        .select(['id', 'first_id', 'last_id'])
        .where('retired_at', '<', retiredBefore)
        .where('first_id', 'is not', null)
        .whereRef('first_id', '<=', 'last_id')
        .execute();
      return rows.flatMap(({ id, first_id, last_id }) =>
        first_id === null || last_id === null ? [] : [{ importId: id, firstId: first_id, lastId: last_id }],
      );
    },
  };
}

async function changeOver(
  trx: Kysely<Schema>,
  id: string,
  master: NewMaster,
  end: ImportEnd,
): Promise<boolean> {
  const before = await trx
    .selectFrom('symbol_masters')
    .select(['import_id', 'first_id', 'last_id'])
    .where('broker', '=', master.broker)
    .executeTakeFirst();
  const updated = await trx
    .updateTable('symbol_imports')
    .set({
      ...toEnding(end),
      status: 'done',
      instruments: master.lastId - master.firstId + 1,
      instruments_before: before === undefined ? 0 : before.last_id - before.first_id + 1,
    })
    .where('id', '=', id)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (updated.numUpdatedRows !== 1n) return false;
  const row = toMasterRow(id, master, end.now);
  await trx
    .insertInto('symbol_masters')
    .values(row)
    .onConflict((conflict) => conflict.column('broker').doUpdateSet(row))
    .execute();
  if (before !== undefined)
    await trx
      .updateTable('symbol_imports')
      .set({ retired_at: end.now })
      .where('id', '=', before.import_id)
      .execute();
  return true;
}

async function sayAlive(
  db: Kysely<Schema>,
  id: string,
  { stage, done, total }: ImportProgress,
  now: number,
): Promise<boolean> {
  const updated = await db
    .updateTable('symbol_imports')
    .set({ stage, stage_done: done, stage_total: total, heard_at: now })
    .where('id', '=', id)
    .where('status', '=', 'running')
    .executeTakeFirst();
  return updated.numUpdatedRows === 1n;
}

const toEnding = ({ now, broker, badLines, badLineSamples }: ImportEnd) => ({
  broker: broker ?? null,
  bad_lines: badLines,
  bad_line_samples: JSON.stringify(badLineSamples),
  finished_at: now,
});

const toMasterRow = (importId: string, master: NewMaster, now: number) => ({
  broker: master.broker,
  import_id: importId,
  first_id: master.firstId,
  first_option_id: master.firstOptionId,
  last_id: master.lastId,
  exchanges: JSON.stringify(master.exchanges),
  types: JSON.stringify(master.types),
  imported_at: now,
});

const badLines = z.array(z.object({ number: z.number(), why: z.string() }));

function toRecord(row: Selectable<SymbolImportsTable>): ImportRecord {
  return {
    id: row.id,
    broker: row.broker ?? undefined,
    fileName: row.file_name,
    requestedBy: row.requested_by,
    status: row.status,
    progress: { stage: row.stage, done: row.stage_done, total: row.stage_total },
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    instruments: row.instruments,
    instrumentsBefore: row.instruments_before,
    badLines: row.bad_lines,
    badLineSamples: readStoredJson(row.bad_line_samples, badLines, []),
    problem: row.problem ?? undefined,
  };
}

import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type CompiledQuery, Kysely, SqliteDialect } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrafficFilter } from '../../../src/monitoring/traffic/traffic-filter.ts';
import {
  createTrafficSearchStore,
  type TrafficSearchStore,
} from '../../../src/monitoring/traffic/traffic-search-store.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import type { Schema } from '../../../src/storage/schema.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';

let sqlite: SqliteDatabase.Database;
let store: TrafficSearchStore;
const asked: CompiledQuery[] = [];

beforeAll(async () => {
  const file = join(createScratchDirectory('traffic-plans').path, 'curfew.db');
  await (await openDatabase({ dialect: 'sqlite', file })).close();
  sqlite = new SqliteDatabase(file);
  const dialect = new SqliteDialect({ database: sqlite });
  store = createTrafficSearchStore({
    db: new Kysely<Schema>({ dialect, log: ({ query }) => void asked.push(query) }),
  });
});
afterAll(() => sqlite.close());

function planOf({ sql, parameters }: CompiledQuery): string {
  const steps = sqlite.prepare(`explain query plan ${sql}`).all(...parameters);
  return steps.map((step) => (step as { detail: string }).detail).join('\n');
}

it.each<[TrafficFilter, string]>([
  [{}, 'INDEX traffic_log_by_time'],
  [{ from: 1, to: 2 }, 'INDEX traffic_log_by_time'],
  [{ status: { least: 404, most: 404 }, text: 'x' }, 'INDEX traffic_log_by_time'],
  [{ userId: 'u', from: 1 }, 'INDEX traffic_log_by_user'],
  [{ address: 'a', text: 'x' }, 'INDEX traffic_log_by_address'],
])(
  'what is asked of SQLite for %j goes along an index, newest first, without sorting',
  async (filter, index) => {
    const after = { at: 1_764_000_000_000, id: 5 };
    asked.length = 0;
    await store.list(filter, { after, through: { at: 1, id: 1 } }, 51);
    await store.cursorBehind(filter, after, 5000);
    expect(asked).toHaveLength(2);
    for (const query of asked) {
      const plan = planOf(query);
      expect(plan).toContain(index);
      expect(plan).not.toContain('SCAN');
      expect(plan).not.toContain('TEMP B-TREE');
    }
  },
);

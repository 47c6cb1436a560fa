import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const ROWS = 1000;
const BYTES_EACH = 1000;

describe('SQLite’s write-ahead log', () => {
  let directory: ScratchDirectory;
  let file: string;
  let database: Database;
  beforeEach(async () => {
    directory = createScratchDirectory('checkpoints');
    file = join(directory.path, 'curfew.db');
    database = await openDatabase({ dialect: 'sqlite', file });
  });
  afterEach(async () => {
    await database.close();
    directory.remove();
  });

  /** Much less than what makes a commit copy the log by itself. */
  async function writeRows(): Promise<void> {
    await sql`create table if not exists filler (content text)`.execute(database.db);
    await sql`insert into filler
      with recursive counter(n) as (select 1 union all select n + 1 from counter where n < ${ROWS})
      select printf('%.*c', ${BYTES_EACH}, 'x') from counter`.execute(database.db);
  }

  async function copiesOnCommitFrom(): Promise<number | undefined> {
    const { rows } = await sql<{ wal_autocheckpoint: number }>`pragma wal_autocheckpoint`.execute(
      database.db,
    );
    return rows[0]?.wal_autocheckpoint;
  }

  it('is copied into the file by a thread, more than once, and not by the commit', async () => {
    for (const round of [1, 2, 3]) {
      await writeRows();
      expect(statSync(file).size).toBeLessThan(round * ROWS * BYTES_EACH);
      await expect.poll(() => statSync(file).size).toBeGreaterThan(round * ROWS * BYTES_EACH);
    }
  });

  it('is copied by the commit as ever where the thread cannot open the file', async () => {
    expect(await copiesOnCommitFrom()).toBeGreaterThan(1000);
    renameSync(file, `${file}-elsewhere`);
    await writeRows();
    await expect.poll(copiesOnCommitFrom).toBe(1000);
    renameSync(`${file}-elsewhere`, file);
  });
});

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import { backUpSqlite } from '../../src/storage/sqlite-backup.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';

/** Above the highest that Linux gives. */
const NO_PROCESS = 4_194_305;

test('a backup removes the unfinished copy of one that was killed, and not that of one under way', async () => {
  const directory = createScratchDirectory('sqlite-backup');
  const at = (name: string) => join(directory.path, name);
  await (await openDatabase({ dialect: 'sqlite', file: at('curfew.db') })).close();
  const [abandoned, underWay] = [at(`old.db.part-${NO_PROCESS}`), at(`other.db.part-${process.pid}`)];
  for (const part of [abandoned, underWay]) writeFileSync(part, 'sessions');
  const copy = {
    source: at('curfew.db'),
    target: at('copy.db'),
    now: Date.now(),
    onProgress: () => undefined,
  };
  await backUpSqlite(copy);
  expect([abandoned, underWay, copy.target].map((path) => existsSync(path))).toEqual([false, true, true]);
  directory.remove();
});

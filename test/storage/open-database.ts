import { openDatabase } from '../../src/storage/database.ts';

/** Run by database.test.ts in several processes at once: opens the SQLite file that its argument names. */
const database = await openDatabase({
  dialect: 'sqlite',
  file: (process.argv[2] ?? '').replace('sqlite:', ''),
});
await database.ping();
await database.close();
process.stdout.write('open\n');

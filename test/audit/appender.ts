import { createAuditChainStore } from '../../src/audit/audit-chain-store.ts';
import { createAuditLog } from '../../src/audit/audit-store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type DatabaseLocation, openDatabase } from '../../src/storage/database.ts';
import { createRecordingLog } from '../broker/recording-log.ts';
import { ended } from './ended.ts';

/** Run by audit-chain.test.ts as one of several processes: records sixty events at the database that its argument names. */
const location = JSON.parse(process.argv[2] ?? '') as DatabaseLocation;
const name = process.argv[3] ?? '';
const database = await openDatabase(location);
const log = createRecordingLog();
const audit = createAuditLog({ chain: createAuditChainStore(database), clock: systemClock, log });
for (let each = 0; each < 30; each += 1) {
  await Promise.all([
    audit.record(ended(name), { actor: name }),
    audit.recordMany([ended(name)], { actor: name }),
  ]);
}
await database.close();
process.stdout.write(log.lines.join('\n'));

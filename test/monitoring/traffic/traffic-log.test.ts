import type { Request } from 'express';
import { expect, it } from 'vitest';
import { HOUR_MS } from '../../../src/core/duration.ts';
import type { ServedRequest } from '../../../src/http/request-watch.ts';
import { createClientMark } from '../../../src/monitoring/traffic/client-mark.ts';
import { createTrafficHourStore } from '../../../src/monitoring/traffic/traffic-hour-store.ts';
import { createTrafficLog } from '../../../src/monitoring/traffic/traffic-log.ts';
import { createTrafficStore, type TrafficStore } from '../../../src/monitoring/traffic/traffic-store.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { createRecordingLog } from '../../http/recording-log.ts';
import { eventually } from '../../support/eventually.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { NOON, trafficEntry } from './traffic-entries.ts';

const mark = createClientMark({ detail: 'truncated', secrets: ['secret'] });
const outage = () => Object.assign(new Error('The database is away'), { code: 'ECONNREFUSED' });

const served = (entry: Partial<ServedRequest> = {}): ServedRequest => ({
  ...trafficEntry(),
  routeClass: 'guarded',
  waited: false,
  req: {} as Request,
  ...entry,
});

function createLog(
  store: Pick<TrafficStore, 'write'>,
  options: { keepsRows?: boolean; mostWaiting?: number } = {},
) {
  const log = createRecordingLog();
  const trafficLog = createTrafficLog({
    ...{
      store,
      mark,
      log,
      clientSubject: () => ({ address: '203.0.113.77', subject: '203.0.113.77' }),
      keepsRows: true,
      clock: createSettableClock(NOON),
    },
    ...options,
  });
  return { trafficLog, lines: log.lines };
}

async function openStore() {
  const database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
  return {
    store: createTrafficStore(database),
    rows: () => database.db.selectFrom('traffic_log').selectAll().orderBy('id').execute(),
    hours: () => createTrafficHourStore(database).since(NOON - HOUR_MS),
  };
}

it('writes what happened in batches, and others get their turn between them', async () => {
  const { store, rows, hours } = await openStore();
  const turns: string[] = [];
  const write = async (batch: Parameters<typeof store.write>[0]) => {
    turns.push('batch');
    await store.write(batch);
  };
  const { trafficLog } = createLog({ write });
  for (let count = 0; count < 220; count += 1) trafficLog.observe(served({ requestId: `r${count}` }));
  expect(trafficLog.waiting).toBe(220);
  setImmediate(() => turns.push('somebody else'));
  await trafficLog.flush();
  expect(turns).toEqual(['batch', 'somebody else', 'batch', 'batch']);
  expect(await rows()).toHaveLength(220);
  expect((await rows())[0]).toMatchObject({ request_id: 'r0', address: '203.0.113.0/24' });
  expect(await hours()).toMatchObject([{ requests: 220 }]);
  expect(trafficLog).toMatchObject({ waiting: 0, written: 220, dropped: 0 });
});

it('counts what pages fetch by themselves, and keeps a row of it only where it was refused or failed', async () => {
  const { store, rows, hours } = await openStore();
  const { trafficLog } = createLog(store);
  for (const routeClass of ['static', 'probe', 'poll'] as const) {
    trafficLog.observe(served({ routeClass, status: 200, requestId: `${routeClass} 200` }));
    trafficLog.observe(served({ routeClass, status: 304, requestId: `${routeClass} 304` }));
    trafficLog.observe(served({ routeClass, status: 404, requestId: `${routeClass} 404` }));
  }
  await trafficLog.flush();
  expect((await rows()).map((row) => row.request_id)).toEqual(['static 404', 'probe 404', 'poll 404']);
  expect((await hours()).map(({ requests, notFound }) => [requests, notFound])).toEqual([
    [3, 1],
    [3, 1],
    [3, 1],
  ]);
});

it('does not take it for slowness when an answer waited on purpose', async () => {
  const { store, hours } = await openStore();
  const { trafficLog } = createLog(store);
  trafficLog.observe(served({ waited: true, durationMs: 25_000, requestId: 'a' }));
  trafficLog.observe(served({ durationMs: 1, requestId: 'b' }));
  await trafficLog.flush();
  expect(await hours()).toMatchObject([{ requests: 2, buckets: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] }]);
});

it('keeps no rows where TRAFFIC_LOG_DAYS is off, and counts all the same', async () => {
  const { store, rows, hours } = await openStore();
  const { trafficLog } = createLog(store, { keepsRows: false });
  trafficLog.observe(served());
  await trafficLog.flush();
  expect(await rows()).toEqual([]);
  expect(await hours()).toMatchObject([{ requests: 1 }]);
});

it('takes no more than it may while the database is blocked, says so once, and loses no counts', async () => {
  const { store, rows, hours } = await openStore();
  const { promise: unblocked, resolve: unblock } = Promise.withResolvers<void>();
  const { trafficLog, lines } = createLog(
    { write: (batch) => unblocked.then(() => store.write(batch)) },
    { mostWaiting: 100 },
  );
  trafficLog.observe(served({ requestId: 'under way' }));
  const flushed = trafficLog.flush();
  for (let count = 0; count < 150; count += 1) trafficLog.observe(served({ requestId: `r${count}` }));
  expect(trafficLog).toMatchObject({ waiting: 101, dropped: 50 });
  expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);

  unblock();
  await flushed;
  expect((await rows()).map((row) => row.request_id)).toEqual([
    'under way',
    ...Array.from({ length: 100 }, (_, at) => `r${at}`),
  ]);
  expect(await hours()).toMatchObject([{ requests: 151 }]);
  expect(lines.filter(({ level }) => level === 'info')).toMatchObject([{ facts: { dropped: 50 } }]);
});

it('keeps what the database could not take, and writes nothing twice when it had taken it after all', async () => {
  const { store, rows, hours } = await openStore();
  const answers = [
    // Away before it was written, and away when it was to say that it is.
    async () => Promise.reject(outage()),
    async (batch: Parameters<typeof store.write>[0]) => {
      await store.write(batch);
      throw outage();
    },
  ];
  const { trafficLog } = createLog({ write: (batch) => (answers.shift() ?? store.write)(batch) });
  trafficLog.observe(served());
  await expect(trafficLog.flush()).rejects.toThrow('away');
  trafficLog.observe(served({ requestId: 'the next one' }));
  await expect(trafficLog.flush()).rejects.toThrow('away');
  expect(trafficLog.waiting).toBe(2);
  await trafficLog.flush();
  expect(await rows()).toHaveLength(2);
  expect(await hours()).toMatchObject([{ requests: 2 }]);
  expect(trafficLog).toMatchObject({ waiting: 0, dropped: 0 });
});

it('is not stopped by a batch that the database refuses', async () => {
  const { store, rows } = await openStore();
  const { trafficLog, lines } = createLog(store);
  trafficLog.observe(served({ requestId: 'bad', status: Number.NaN }));
  await trafficLog.flush();
  trafficLog.observe(served({ requestId: 'good' }));
  await trafficLog.flush();
  expect((await rows()).map((row) => row.request_id)).toEqual(['good']);
  expect(trafficLog.dropped).toBe(1);
  expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
});

it('writes by itself, and the last batch when it is stopped', async () => {
  const { store, rows } = await openStore();
  const { trafficLog } = createLog(store);
  trafficLog.observe(served());
  trafficLog.start();
  await eventually(async () => expect(await rows()).toHaveLength(1));
  trafficLog.observe(served({ requestId: 'the last one' }));
  await trafficLog.stop();
  expect(await rows()).toHaveLength(2);
});

it('says at the end what was lost with the database, and stops', async () => {
  const { trafficLog, lines } = createLog({ write: async () => Promise.reject(outage()) });
  trafficLog.observe(served());
  await trafficLog.stop();
  expect(lines).toMatchObject([{ level: 'error', facts: { lost: 1 } }]);
});

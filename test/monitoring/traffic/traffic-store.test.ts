import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../../src/core/duration.ts';
import { type CountedRequest, createHourTally } from '../../../src/monitoring/traffic/hour-tally.ts';
import type { TrafficBatch } from '../../../src/monitoring/traffic/traffic-buffer.ts';
import type { TrafficFilter } from '../../../src/monitoring/traffic/traffic-filter.ts';
import { createTrafficHourStore } from '../../../src/monitoring/traffic/traffic-hour-store.ts';
import { createTrafficPurge } from '../../../src/monitoring/traffic/traffic-purge.ts';
import { findTraffic, streamTraffic } from '../../../src/monitoring/traffic/traffic-search.ts';
import {
  createTrafficSearchStore,
  type TrafficCursor,
  type TrafficSearchStore,
} from '../../../src/monitoring/traffic/traffic-search-store.ts';
import { createTrafficStore, type TrafficStore } from '../../../src/monitoring/traffic/traffic-store.ts';
import { type Database, openDatabase } from '../../../src/storage/database.ts';
import { createRecordingLog } from '../../http/recording-log.ts';
import { DATABASES } from '../../support/databases.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { NOON, trafficEntry } from './traffic-entries.ts';

const count = (...requests: readonly CountedRequest[]) => {
  const tally = createHourTally();
  for (const request of requests) tally.add(request);
  return tally.take();
};
const entries = (number: number, at = NOON) =>
  Array.from({ length: number }, (_, index) => trafficEntry({ at: at + index, path: `/p/${index}` }));
const rows = (...batch: TrafficBatch['entries']): TrafficBatch => ({ entries: batch, hours: [] });

describe.each(DATABASES)('what is stored of traffic, on %s', (_name, open) => {
  let database: Database;
  let store: TrafficStore;
  let search: TrafficSearchStore;
  beforeEach(async () => {
    database = await open();
    store = createTrafficStore(database);
    search = createTrafficSearchStore(database);
  });
  afterEach(() => database.close());

  const findAll = async (filter: TrafficFilter, limit = 50) =>
    (await findTraffic(search, { filter, after: undefined, limit, mostLookedAt: 100_000 })).entries;
  const pathsOf = async (filter: TrafficFilter) => (await findAll(filter)).map(({ path }) => path);
  const hours = () => createTrafficHourStore(database).since(0);

  test('an entry comes back as it was', async () => {
    const entry = trafficEntry({ aborted: true, pattern: undefined, address: null, userId: 'u-gone' });
    await store.write(rows(entry));
    const [found] = await findAll({});
    expect(found).toMatchObject(entry);
    expect(await search.findByRequest(entry.requestId)).toEqual(found);
    expect(await search.findByRequest('nothing')).toBeUndefined();
  });

  test('a batch that was written already is left alone, with its counts', async () => {
    const batch = {
      entries: entries(3),
      hours: count({ at: NOON, routeClass: 'api', status: 200, durationMs: 4 }),
    };
    await store.write(batch);
    await store.write(batch);
    expect(await findAll({})).toHaveLength(3);
    expect(await hours()).toMatchObject([{ requests: 1 }]);
  });

  test('a batch is written whole or not at all', async () => {
    const [good] = entries(1);
    if (good === undefined) throw new Error('There is no entry');
    const impossible = { ...good, requestId: 'other', status: Number.NaN };
    const counted = count({ at: NOON, routeClass: 'api', status: 200, durationMs: 4 });
    await expect(store.write({ entries: [good, impossible], hours: counted })).rejects.toThrow();
    expect(await findAll({})).toEqual([]);
    expect(await hours()).toEqual([]);
  });

  test('counts of several nodes add up, hour by hour and class by class', async () => {
    const ofOneNode = [
      { at: NOON, routeClass: 'guarded', status: 200, durationMs: 5 },
      { at: NOON + 1, routeClass: 'guarded', status: 404, durationMs: 6 },
      { at: NOON + 2, routeClass: 'guarded', status: 403, durationMs: 5000 },
      { at: NOON + 3, routeClass: 'api', status: 503, durationMs: 30 },
      { at: NOON + HOUR_MS, routeClass: 'api', status: 200, durationMs: 30 },
    ];
    const nodes = Array.from({ length: 8 }, () => store.write({ entries: [], hours: count(...ofOneNode) }));
    await Promise.all(nodes);
    const none = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(await hours()).toEqual([
      {
        ...{ hour: NOON, routeClass: 'api', requests: 8, notFound: 0, clientErrors: 0, serverErrors: 8 },
        buckets: none.with(3, 8),
      },
      {
        ...{ hour: NOON, routeClass: 'guarded', requests: 24, notFound: 8, clientErrors: 8, serverErrors: 0 },
        buckets: none.with(0, 8).with(1, 8).with(9, 8),
      },
      {
        ...{
          hour: NOON + HOUR_MS,
          routeClass: 'api',
          requests: 8,
          notFound: 0,
          clientErrors: 0,
          serverErrors: 0,
        },
        buckets: none.with(3, 8),
      },
    ]);
    expect(await createTrafficHourStore(database).since(NOON + 1)).toHaveLength(1);
  });

  test('requests are found by each thing that one may ask for', async () => {
    await store.write(
      rows(
        trafficEntry({ at: NOON, path: '/a_b%', pattern: '/Strategies/:id', method: 'POST', status: 404 }),
        trafficEntry({ at: NOON + 1, path: '/c', pattern: undefined, durationMs: 900, userId: 'u1' }),
        trafficEntry({ at: NOON + 2, path: '/d', status: 500, address: '203.0.113.0/24', requestId: 'r-1' }),
      ),
    );
    expect(await pathsOf({})).toEqual(['/d', '/c', '/a_b%']);
    expect(await pathsOf({ from: NOON + 1 })).toEqual(['/d', '/c']);
    expect(await pathsOf({ to: NOON + 1 })).toEqual(['/a_b%']);
    expect(await pathsOf({ method: 'POST' })).toEqual(['/a_b%']);
    expect(await pathsOf({ status: { least: 404, most: 499 } })).toEqual(['/a_b%']);
    expect(await pathsOf({ status: { least: 404, most: 500 } })).toEqual(['/d', '/a_b%']);
    expect(await pathsOf({ text: 'A_B%' })).toEqual(['/a_b%']);
    expect(await pathsOf({ text: 'strategies/:' })).toEqual(['/a_b%']);
    expect(await pathsOf({ text: 'a%b' })).toEqual([]);
    expect(await pathsOf({ slowerThanMs: 899 })).toEqual(['/c']);
    expect(await pathsOf({ slowerThanMs: 900 })).toEqual([]);
    expect(await pathsOf({ userId: 'u1' })).toEqual(['/c']);
    expect(await pathsOf({ address: '203.0.113.0/24' })).toEqual(['/d']);
    expect(await pathsOf({ requestId: 'r-1' })).toEqual(['/d']);
    expect(await pathsOf({ requestId: 'r-1', status: { least: 200, most: 299 } })).toEqual([]);
  });

  test('pages follow each other without a gap or a double, also within a millisecond', async () => {
    const written = Array.from({ length: 25 }, (_, index) =>
      trafficEntry({ at: NOON + Math.floor(index / 10), status: index % 2 === 0 ? 200 : 404 }),
    );
    await store.write(rows(...written));
    for (const filter of [{}, { status: { least: 404, most: 404 } }]) {
      const seen: string[] = [];
      for (let after: TrafficCursor | undefined; ; ) {
        const page = await findTraffic(search, { filter, after, limit: 4, mostLookedAt: 100_000 });
        seen.push(...page.entries.map(({ requestId }) => requestId));
        // What comes in between is newer, and belongs to no later page.
        await store.write(rows(trafficEntry({ at: NOON + DAY_MS, status: 404 })));
        if (page.next === undefined) break;
        after = page.next;
      }
      const fitting = written.filter(({ status }) => filter.status === undefined || status === 404);
      expect(seen.toSorted()).toEqual(fitting.map(({ requestId }) => requestId).toSorted());
      await database.db
        .deleteFrom('traffic_log')
        .where('at', '>', NOON + 1000)
        .execute();
    }
  });

  test('a search looks as far as it may, says how far that was, and goes on from there', async () => {
    await store.write(rows(trafficEntry({ at: NOON, path: '/needle' })));
    for (let batch = 0; batch < 13; batch += 1)
      await store.write(rows(...entries(500, NOON + 1 + batch * 500)));
    const request = { filter: { text: 'needle' }, limit: 10, mostLookedAt: 5000 };
    const first = await findTraffic(search, { ...request, after: undefined });
    expect(first.entries).toEqual([]);
    expect(first.lookedBackTo).toBe(NOON + 1501);
    const second = await findTraffic(search, { ...request, after: first.next });
    expect(second.entries.map(({ path }) => path)).toEqual(['/needle']);
    expect(second).toMatchObject({ next: undefined, lookedBackTo: undefined });

    const streamed = [];
    for await (const batch of streamTraffic(search, { text: '/p/49' })) streamed.push(...batch);
    expect(streamed).toHaveLength(13 * 11);
    expect(streamed[0]?.at).toBeGreaterThan(streamed.at(-1)?.at ?? 0);
  });

  test('names are those of people who are there, and the log outlives the others', async () => {
    const person = { id: 'u1', username: 'asha', username_key: 'asha', email: '', password_hash: '' };
    await database.db
      .insertInto('users')
      .values({ ...person, role: 'user', disabled: 1, created_at: 0 })
      .execute();
    await store.write(rows(trafficEntry({ userId: 'u1' })));
    expect((await findAll({}))[0]).toMatchObject({ userId: 'u1', username: 'asha' });
    await database.db.deleteFrom('users').execute();
    expect((await findAll({ userId: 'u1' }))[0]).toMatchObject({ userId: 'u1', username: undefined });
  });

  test('what is more than the log may hold goes, the oldest first and in batches', async () => {
    const purge = createTrafficPurge({
      ...{ store, hourStore: createTrafficHourStore(database), retentionMs: 30 * DAY_MS, mostRows: 700 },
      clock: createSettableClock(NOON + 1000),
      log: createRecordingLog(),
    });
    await store.write(rows(...entries(600, NOON), ...entries(600, NOON + 1000)));
    expect(await store.countAtMost()).toBe(1200);
    expect(await purge.run()).toBe(500);
    const kept = await findAll({}, 1200);
    expect(kept).toHaveLength(700);
    expect(Math.min(...kept.map(({ id }) => id))).toBe(501);
    expect(await store.countAtMost()).toBe(700);
    expect(await purge.run()).toBe(0);
  });

  test('what is older than the retention goes, in batches, and the hours stay for 400 days', async () => {
    const clock = createSettableClock(NOON);
    const hourStore = createTrafficHourStore(database);
    const purge = createTrafficPurge({
      ...{ store, hourStore, retentionMs: 30 * DAY_MS, mostRows: 5000, clock },
      log: createRecordingLog(),
    });
    await store.write({
      entries: entries(1000, NOON),
      hours: count({ at: NOON, routeClass: 'api', status: 200, durationMs: 1 }),
    });
    await store.write(rows(...entries(600, NOON + 1000)));
    clock.set(NOON + 1000 + 30 * DAY_MS);
    expect(await purge.run()).toBe(1000);
    expect(await findAll({}, 1000)).toHaveLength(600);
    clock.set(NOON + 400 * DAY_MS);
    expect(await purge.run()).toBe(600);
    expect(await hours()).toHaveLength(1);
    clock.advance(1);
    await purge.run();
    expect(await hours()).toEqual([]);
  });
});

test('a SQLite file that another process holds is not waited for, and everybody else still waits for it', async () => {
  const file = join(createScratchDirectory('traffic').path, 'curfew.db');
  const database = await openDatabase({ dialect: 'sqlite', file });
  const store = createTrafficStore(database);
  const other = new SqliteDatabase(file);
  // Twice: what is kept of the first time must not stand in the way of the second.
  for (let time = 0; time < 2; time += 1) {
    other.exec('begin immediate');
    const beganAt = performance.now();
    await expect(store.write(rows(trafficEntry()))).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    expect(performance.now() - beganAt).toBeLessThan(500);
    const { rows: answer } = await sql<{ timeout: number }>`pragma busy_timeout`.execute(database.db);
    expect(answer).toEqual([{ timeout: 1000 }]);
    other.exec('rollback');
    await store.write(rows(trafficEntry()));
  }
  expect(other.prepare('select count(*) as rows from traffic_log').get()).toEqual({ rows: 2 });
  other.close();
  await database.close();
});

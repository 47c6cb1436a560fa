import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CountedReport,
  type CspReportStore,
  createCspReportStore,
} from '../../../src/security/csp-reports/csp-report-store.ts';
import type { Database } from '../../../src/storage/database.ts';
import { DATABASES } from '../../storage/databases.ts';

const report = (blocked: string, reports = 1): CountedReport => ({
  directive: 'img-src',
  blocked,
  document: '/dashboard',
  reports,
});
const ALL = { text: '', offset: 0, limit: 100 };

describe.each(DATABASES)('reports on %s', (_name, open) => {
  let database: Database;
  let store: CspReportStore;
  beforeEach(async () => {
    database = await open();
    store = createCspReportStore(database);
  });
  afterEach(() => database.close());

  const blocked = async (search = ALL) => (await store.search(search)).reports.map((each) => each.blocked);

  test('of the same sort are one row with a count, and when it was first and last', async () => {
    await store.add([report('a', 2), report('b')], 1000, 10);
    await store.add([report('a', 3)], 2000, 10);
    expect(await store.search(ALL)).toEqual({
      total: 2,
      reports: [
        { ...report('a', 5), firstAt: 1000, lastAt: 2000 },
        { ...report('b'), firstAt: 1000, lastAt: 1000 },
      ],
    });
  });

  test('are bounded: what was not seen for the longest goes', async () => {
    await store.add([report('a'), report('b'), report('c')], 1000, 3);
    await store.add([report('a')], 2000, 3);
    await store.add([report('d'), report('e')], 3000, 3);
    expect((await blocked()).sort()).toEqual(['a', 'd', 'e']);
    const flood = Array.from({ length: 50 }, (_, each) => report(`f${each}`));
    await store.add(flood, 4000, 3);
    expect((await store.search(ALL)).total).toBe(3);
  });

  test('of two nodes at once are all counted, in whatever order each has them', async () => {
    const sorts = Array.from({ length: 40 }, (_, each) => report(`s${each}`));
    for (let round = 0; round < 5; round += 1)
      await Promise.all([store.add(sorts, 1000, 100), store.add(sorts.toReversed(), 1000, 100)]);
    const { reports } = await store.search({ ...ALL, limit: 100 });
    expect(new Set(reports.map((each) => each.reports))).toEqual(new Set([10]));
  });

  test('are found by what was blocked, where, and by directive, and by no pattern', async () => {
    await store.add([report('https://Evil.example/'), report('100%_off')], 1000, 10);
    expect(await blocked({ ...ALL, text: 'EVIL' })).toEqual(['https://Evil.example/']);
    expect(await blocked({ ...ALL, text: 'dashb' })).toHaveLength(2);
    expect(await blocked({ ...ALL, text: 'img-' })).toHaveLength(2);
    expect(await blocked({ ...ALL, text: '0%_o' })).toEqual(['100%_off']);
    expect(await blocked({ ...ALL, text: '%' })).toEqual(['100%_off']);
    expect(await blocked({ text: '', offset: 1, limit: 1 })).toHaveLength(1);
  });

  test('are cleared', async () => {
    await store.add([report('a'), report('b')], 1000, 10);
    expect(await store.clear()).toBe(2);
    expect(await store.clear()).toBe(0);
    expect(await store.search(ALL)).toEqual({ total: 0, reports: [] });
  });
});

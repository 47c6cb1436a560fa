import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import { type AlertStore, createAlertStore } from '../../../src/monitoring/load/alert-store.ts';
import type { Database } from '../../../src/storage/database.ts';
import { DATABASES } from '../../support/databases.ts';

const NOW = 1_764_000_000_000;
const ALERT = {
  what: 'slow:api',
  figure: 812.5,
  threshold: 500,
  node: 'trading, process 7',
  busiest: [{ address: '203.0.113.0/24', requests: 40, bannable: false }],
} as const;

describe.each(DATABASES)('what is stored about alerts, on %s', (_name, open) => {
  let database: Database;
  let store: AlertStore;
  beforeEach(async () => {
    database = await open();
    store = createAlertStore(database);
  });
  afterEach(() => database.close());

  test('of nodes that see the same at the same time, one raises the alert', async () => {
    const raised = await Promise.all(Array.from({ length: 5 }, () => store.raiseOrKeep(ALERT, NOW)));
    expect(raised.filter(Boolean)).toHaveLength(1);
    expect(await store.raiseOrKeep({ ...ALERT, what: 'slow:form' }, NOW)).toBe(true);
    expect(await store.listOpen()).toHaveLength(2);
  });

  test('one that is seen lasts, keeps its worst figure, and ends once, when no node has seen it for long enough', async () => {
    await store.raiseOrKeep(ALERT, NOW);
    await store.raiseOrKeep({ ...ALERT, figure: 2000 }, NOW + MINUTE_MS);
    expect(await store.raiseOrKeep({ ...ALERT, figure: 600.5 }, NOW + 2 * MINUTE_MS)).toBe(false);
    expect(await store.endUnseenSince(NOW + 2 * MINUTE_MS - 1, NOW + 4 * MINUTE_MS)).toEqual([]);
    const ends = Array.from({ length: 3 }, () =>
      store.endUnseenSince(NOW + 2 * MINUTE_MS, NOW + 4 * MINUTE_MS),
    );
    const ended = (await Promise.all(ends)).flat();
    expect(ended).toEqual([{ ...ALERT, worst: 2000, raisedAt: NOW, endedAt: NOW + 4 * MINUTE_MS }]);
    expect(await store.listOpen()).toEqual([]);
    expect(await store.listSince(NOW, 10)).toEqual(ended);
    expect(await store.listSince(NOW + 1, 10)).toEqual([]);
  });

  test('one that was seen in the far future, by a clock that was set back, ends', async () => {
    await store.raiseOrKeep(ALERT, NOW + 3 * HOUR_MS);
    await store.raiseOrKeep({ ...ALERT, what: 'slow:form' }, NOW + MINUTE_MS);
    const ended = await store.endUnseenSince(NOW - 2 * MINUTE_MS, NOW);
    expect(ended.map(({ what }) => what)).toEqual([ALERT.what]);
    expect(await store.raiseOrKeep(ALERT, NOW)).toBe(true);
  });

  test('the same cause can be raised again afterwards, and what has ended long ago is forgotten', async () => {
    await store.raiseOrKeep(ALERT, NOW);
    await store.endUnseenSince(NOW, NOW + 1);
    expect(await store.raiseOrKeep(ALERT, NOW + 2)).toBe(true);
    await store.forgetEndedBefore(NOW + 2);
    expect((await store.listSince(0, 10)).map(({ raisedAt }) => raisedAt)).toEqual([NOW + 2]);
  });
});

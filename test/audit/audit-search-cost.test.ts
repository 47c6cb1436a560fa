import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuditSearchStore, LOOKED_AT } from '../../src/audit/audit-search-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { openMemory } from '../support/databases.ts';

const ROWS = LOOKED_AT + 2_500;
let database: Database;

beforeAll(async () => {
  database = await openMemory();
  const rows = Array.from({ length: ROWS }, (_, index) => ({
    id: index + 1,
    at: 1_000_000 + index,
    type: 'session.started',
    user_id: 'u1',
    actor: 'asha',
    address: null,
    request_id: null,
    detail: JSON.stringify({ device: index % 1_500 === 0 ? 'Rare' : 'Firefox' }),
    hash: '',
  }));
  for (let start = 0; start < ROWS; start += 500)
    await database.db
      .insertInto('audit_log')
      .values(rows.slice(start, start + 500))
      .execute();
});
afterAll(() => database.close());

const words = (text: string) => [{ text, types: [], userIds: [] }];

it('lets others have their turn while it looks for words, and stops where one page has cost enough', async () => {
  let turns = 0;
  let looking = true;
  const others = (async () => {
    while (looking) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
  })();
  const found = await createAuditSearchStore(database).search({ words: words('nowhere') }, {}, 50);
  looking = false;
  await others;
  expect(found).toEqual({ rows: [], more: false, lookedThrough: ROWS - LOOKED_AT + 1 });
  expect(turns).toBeGreaterThanOrEqual(9);
});

it('finds the same in batches as all at once, in both directions', async () => {
  const store = createAuditSearchStore(database);
  const idsOf = ({ rows }: Awaited<ReturnType<typeof store.search>>) => rows.map(({ seq }) => seq);
  const back = await store.search({ words: words('rare') }, {}, 3);
  expect(idsOf(back)).toEqual([12_001, 10_501, 9_001]);
  expect(back.more).toBe(true);
  const forward = await store.search({ words: words('rare') }, { after: 0 }, 3);
  expect(idsOf(forward)).toEqual([3_001, 1_501, 1]);
  expect(forward.more).toBe(true);
  const rest = await store.search({ words: words('rare') }, { before: 9_001 }, 50);
  expect(idsOf(rest)).toEqual([7_501, 6_001, 4_501, 3_001, 1_501, 1]);
  expect(rest.lookedThrough).toBeUndefined();
});

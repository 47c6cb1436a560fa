import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { createSingleUses } from '../../src/storage/single-use-store.ts';
import { DATABASES } from '../support/databases.ts';
import { createSettableClock } from '../support/settable-clock.ts';

describe.each(DATABASES)('Single uses on %s', (_name, open) => {
  const clock = createSettableClock(1_000_000);
  let database: Database;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());

  const onNode = () => createSingleUses({ database, clock });

  it('are given to one of many who ask at once, and to nobody after a restart', async () => {
    const until = clock.now() + 1_000;
    const given = await Promise.all(Array.from({ length: 8 }, () => onNode().use('token', until)));
    expect(given.filter(Boolean)).toHaveLength(1);
    expect(await onNode().use('token', until)).toBe(false);
    expect([await onNode().isUsed('token'), await onNode().isUsed('another')]).toEqual([true, false]);
  });

  it('are kept as digests, and no longer than they could be used', async () => {
    const rows = () => database.db.selectFrom('single_uses').selectAll().execute();
    expect(JSON.stringify(await rows())).not.toContain('token');
    clock.advance(1_000);
    await onNode().forgetOld();
    expect(await rows()).toHaveLength(1);
    clock.advance(1);
    await onNode().forgetOld();
    expect(await rows()).toEqual([]);
  });
});

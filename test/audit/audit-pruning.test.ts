import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditHourStore } from '../../src/audit/audit-hour-store.ts';
import { createAuditPruning } from '../../src/audit/audit-pruning.ts';
import { verifyChain } from '../../src/audit/chain-verification.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { type AuditWorld, createAuditWorld, LOCATIONS, MORNING } from './audit-world.ts';
import { ended } from './ended.ts';

const ORIGIN = { actor: 'system' };
const LONG_AGO = Date.parse(MORNING) - 6 * 366 * DAY_MS;

describe.each(LOCATIONS)('old rows of the audit log on %s', (_name, locate) => {
  let world: AuditWorld;
  beforeEach(async () => {
    world = await createAuditWorld(await locate());
  });
  afterEach(() => world.close());

  const prune = (years = 5) =>
    createAuditPruning({ ...world, hours: createAuditHourStore(world.database), years }).run();
  const many = (count: number) => Array.from({ length: count }, (_, each) => ended(`u${each}`));

  async function recordAt(instant: number, count: number): Promise<void> {
    world.clock.set(instant);
    await world.audit.recordMany(many(count), ORIGIN);
  }

  it('go from the oldest end, in batches, and the chain can still be verified', async () => {
    await recordAt(LONG_AGO, 1200);
    await recordAt(Date.parse(MORNING), 3);
    expect(await prune()).toBe(1200);
    const rows = await world.stored();
    expect(rows.map(({ id, type }) => [id, type])).toEqual([
      [1201, 'session.ended'],
      [1202, 'session.ended'],
      [1203, 'session.ended'],
      [1204, 'audit.pruned'],
    ]);
    expect(JSON.parse(rows[3]?.detail ?? '')).toMatchObject({ fromSeq: 1, seq: 1200 });
    expect(await verifyChain(world.rows)).toMatchObject({
      problem: undefined,
      rows: 4,
      start: { seq: 1200 },
    });

    expect(await prune()).toBe(0);
    await world.audit.record(ended('next'), ORIGIN);
    expect(await verifyChain(world.rows)).toMatchObject({ problem: undefined, rows: 5 });
  });

  it('stay while one in front of them is young', async () => {
    await recordAt(Date.parse(MORNING), 1);
    await recordAt(LONG_AGO, 5);
    world.clock.set(MORNING);
    expect(await prune()).toBe(0);
    expect(await world.stored()).toHaveLength(6);
  });

  it('stay as long as AUDIT_LOG_YEARS says', async () => {
    await recordAt(LONG_AGO, 2);
    await recordAt(Date.parse(MORNING), 1);
    expect(await prune(7)).toBe(0);
    expect(await prune(6)).toBe(0);
    world.clock.advance(1);
    expect(await prune(6)).toBe(2);
  });

  it('go the next time where somebody was cut short', async () => {
    await recordAt(LONG_AGO, 700);
    await recordAt(Date.parse(MORNING), 1);
    const failing = {
      ...world.chain,
      deletePruned: async () => {
        throw new Error('the power went');
      },
    };
    const hours = createAuditHourStore(world.database);
    await expect(createAuditPruning({ ...world, chain: failing, hours, years: 5 }).run()).rejects.toThrow();
    expect(await verifyChain(world.rows)).toMatchObject({ problem: undefined, rows: 2 });
    // The last of them went with the declaration.
    expect(await prune()).toBe(699);
    expect(await world.stored()).toHaveLength(2);
  });

  it('stay, and are not declared removed, where a clock of ours is years ahead of the database', async () => {
    await recordAt(Date.now(), 3);
    await recordAt(Date.now() + 20 * 366 * DAY_MS, 1);
    await expect(prune()).rejects.toThrow('five years old');
    expect((await world.rows.end()).pruned.seq).toBe(0);
    expect(await verifyChain(world.rows)).toMatchObject({ problem: undefined, rows: 4, start: { seq: 0 } });
  });

  it('are missed where nothing in the chain says that they were removed', async () => {
    await recordAt(LONG_AGO, 3);
    await recordAt(Date.parse(MORNING), 3);
    await world.dropTriggers();
    await world.execute(
      'update audit_head set pruned_seq = 3, pruned_hash = (select hash from audit_log where id = 3)',
    );
    await world.execute('delete from audit_log where id <= 3');
    expect((await verifyChain(world.rows)).problem).toMatchObject({ kind: 'beginning_missing', seq: 1 });
  });

  it('are compared with a head that was kept of the last one', async () => {
    await recordAt(LONG_AGO, 2);
    const { head: kept } = await world.rows.end();
    await recordAt(Date.parse(MORNING), 1);
    await prune();
    expect((await verifyChain(world.rows, { kept })).problem).toBeUndefined();
    expect(
      (await verifyChain(world.rows, { kept: { ...kept, hash: 'f'.repeat(64) } })).problem,
    ).toMatchObject({
      kind: 'not_as_kept',
      seq: 2,
    });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUserStore } from '../../src/accounts/user-store.ts';
import type { Receipt, Revocation } from '../../src/core/revocation.ts';
import {
  createPendingRevocationStore,
  type PendingRevocationStore,
} from '../../src/revocation/pending-revocation-store.ts';
import { createRevocationMetrics } from '../../src/revocation/revocation-feature.ts';
import { createRevocationStore, type RevocationStore } from '../../src/revocation/revocation-store.ts';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const LEASE_MS = 30_000;
const START = Date.parse('2026-11-23T10:00:00+05:30');
const DAY_MS = 86_400_000;

describe.each(DATABASES)('the orders that wait, on %s', (_name, open) => {
  let clock: SettableClock;
  let database: Database;
  let revocations: RevocationStore;
  let waiting: PendingRevocationStore;

  beforeEach(async () => {
    clock = createSettableClock(START);
    database = await open();
    revocations = createRevocationStore(database, clock);
    waiting = createPendingRevocationStore(database, clock);
  });
  afterEach(() => database.close());

  async function fail(order: Revocation, attempts = 1): Promise<Receipt> {
    const receipt: Receipt = {
      orderId: order.id,
      reason: order.reason,
      scope: order.scope.kind,
      userId: order.scope.kind === 'sweep' ? undefined : order.scope.userId,
      orderedAt: order.orderedAt,
      status: 'queued',
      lines: [{ step: 'sessions', status: 'queued', count: 0, ms: 1 }],
    };
    await revocations.saveProgress(receipt, attempts, clock.now() + 2000);
    return receipt;
  }

  it('are none at the beginning, and none while somebody is at work', async () => {
    expect(await waiting.list(10)).toEqual([]);
    await revocations.openAccount('asha', 'logged_out');
    expect(await waiting.list(10)).toEqual([]);
    expect(await waiting.summary()).toEqual({ waiting: 0, oldestOrderedAt: undefined });
  });

  it('are those that failed in part, oldest first, with whose they are and how far they got', async () => {
    const asha = { username: 'Asha', email: 'asha@example.org', passwordHash: 'x', role: 'user' } as const;
    const made = await createUserStore({ database, clock }).createUser(asha);
    const userId = made.kind === 'created' ? made.user.id : '';
    const first = await revocations.openAccount(userId, 'logged_out_everywhere');
    const receipt = await fail(first, 3);
    clock.advance(5000);
    await fail(await revocations.openAccount('somebody who is gone', 'account_disabled'));

    expect(await waiting.list(10)).toEqual([
      {
        id: first.id,
        username: 'Asha',
        reason: 'logged_out_everywhere',
        orderedAt: START,
        attempts: 3,
        nextAttemptAt: START + 2000,
        receipt,
      },
      expect.objectContaining({ username: undefined, reason: 'account_disabled', attempts: 1 }),
    ]);
    expect(await waiting.list(1)).toHaveLength(1);
    expect(await waiting.summary()).toEqual({ waiting: 2, oldestOrderedAt: START });
  });

  it('are those whose node died, once its lease is over', async () => {
    const order = await revocations.openAccount('asha', 'logged_out');
    clock.advance(LEASE_MS);
    expect(await waiting.list(10)).toEqual([
      expect.objectContaining({ id: order.id, attempts: 0, receipt: undefined }),
    ]);
  });

  it('are not those that are done, nor a sweep that a wrong clock ordered for a day to come', async () => {
    const order = await revocations.openAccount('asha', 'logged_out');
    const receipt = await fail(order);
    await revocations.saveProgress({ ...receipt, status: 'done' }, 2, 0);
    clock.advance(DAY_MS);
    const early = await revocations.open({ kind: 'sweep', before: clock.now() }, 'cutoff', 'sweep:1');
    if (early !== undefined) await fail(early);
    clock.set(START);
    expect(await waiting.list(10)).toEqual([]);
  });

  it('are counted for the metrics, with the age of the oldest', async () => {
    const metrics = createRevocationMetrics(waiting, clock);
    const values = async () =>
      (await Promise.all(metrics.map((metric) => metric.get()))).map(({ name, values }) => [
        name,
        values[0]?.value,
      ]);
    expect(await values()).toEqual([
      ['curfew_revocations_waiting', 0],
      ['curfew_revocations_oldest_waiting_seconds', 0],
    ]);
    await fail(await revocations.openAccount('asha', 'logged_out'));
    clock.advance(90_000);
    expect(await values()).toEqual([
      ['curfew_revocations_waiting', 1],
      ['curfew_revocations_oldest_waiting_seconds', 90],
    ]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuditChainStore } from '../../src/audit/audit-chain-store.ts';
import { createAuditLog } from '../../src/audit/audit-store.ts';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import type { Log } from '../../src/core/log.ts';
import type { Revocation, RevocationOutcome, RevocationTarget } from '../../src/core/revocation.ts';
import { createEpochStore } from '../../src/revocation/epoch-store.ts';
import { createRevocationStore, type RevocationStore } from '../../src/revocation/revocation-store.ts';
import { createRevoker, type Revoker } from '../../src/revocation/revoker.ts';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-23T10:00:00+05:30');
const ORIGIN = { actor: 'asha', address: '192.0.2.1', requestId: 'request-1' };

/** A target that a test can break. */
interface TestTarget extends RevocationTarget {
  broken: boolean;
  readonly revocations: Revocation[];
}

function createTarget(name: string, outcome: RevocationOutcome): TestTarget {
  const revocations: Revocation[] = [];
  const target: TestTarget = {
    name,
    broken: false,
    revocations,
    revoke(revocation) {
      revocations.push(revocation);
      return target.broken ? Promise.reject(new Error(`${name} is down`)) : Promise.resolve(outcome);
    },
  };
  return target;
}

describe.each(DATABASES)('the revoker on %s', (_name, open) => {
  let clock: SettableClock;
  let database: Database;
  let revocations: RevocationStore;
  let tokens: TestTarget;
  let sessions: TestTarget;
  let caches: TestTarget;
  let signedIn: () => Promise<number>;
  let logged: object[];
  let revoker: Revoker;

  beforeEach(async () => {
    clock = createSettableClock(START);
    database = await open();
    revocations = createRevocationStore(database, clock);
    tokens = createTarget('broker_tokens', { count: 1, detail: 'sandbox access and feed token' });
    sessions = createTarget('sessions', { count: 2 });
    caches = createTarget('caches', { count: 0, detail: 'auth 0' });
    signedIn = () => Promise.resolve(1);
    logged = [];
    revoker = anotherNode();
  });
  afterEach(() => database.close());

  function anotherNode(over: Partial<RevocationStore> = {}): Revoker {
    const note = (facts: object): void => void logged.push(facts);
    const log: Log = { debug: note, info: note, warn: note, error: note };
    return createRevoker({
      revocations: { ...createRevocationStore(database, clock), ...over },
      targets: [tokens, sessions, caches],
      countSessions: () => signedIn(),
      acting: database.acting,
      audit: createAuditLog({ chain: createAuditChainStore(database), clock, log }),
      clock,
      log,
    });
  }

  const device = { kind: 'device', userId: 'asha', sids: ['one'] } as const;
  const timesAsked = () => [tokens, sessions, caches].map((target) => target.revocations.length);
  const receiptsInAudit = async () =>
    (await database.db.selectFrom('audit_log').selectAll().orderBy('id').execute()).map((row) => ({
      actor: row.actor,
      address: row.address,
      requestId: row.request_id,
      userId: row.user_id,
      event: JSON.parse(row.detail) as { type: string; receipt: { status: string; lines: unknown[] } },
    }));

  it('asks every target in its order and leaves a receipt', async () => {
    const asked: string[] = [];
    for (const target of [tokens, sessions, caches]) {
      const { revoke } = target;
      target.revoke = (revocation) => {
        asked.push(target.name);
        return revoke(revocation);
      };
    }
    const receipt = await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
    expect(asked).toEqual(['broker_tokens', 'sessions', 'caches']);
    expect(receipt).toEqual({
      orderId: expect.any(String),
      reason: 'logged_out',
      scope: 'account',
      userId: 'asha',
      orderedAt: START,
      status: 'done',
      lines: [
        {
          step: 'broker_tokens',
          status: 'done',
          count: 1,
          detail: 'sandbox access and feed token',
          ms: expect.any(Number),
        },
        { step: 'sessions', status: 'done', count: 2, ms: expect.any(Number) },
        { step: 'caches', status: 'done', count: 0, detail: 'auth 0', ms: expect.any(Number) },
      ],
    });
    expect(await revocations.latestReceipt('asha')).toEqual(receipt);
  });

  it('writes the receipt into the audit log with who asked and from where', async () => {
    const receipt = await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
    expect(await receiptsInAudit()).toEqual([
      {
        actor: 'asha',
        address: '192.0.2.1',
        requestId: 'request-1',
        userId: 'asha',
        event: { type: 'revocation.carried_out', receipt: JSON.parse(JSON.stringify(receipt)) },
      },
    ]);
  });

  it('raises the epoch before the first step, so that a token is dead whatever happens then', async () => {
    const epochs = createEpochStore(database);
    const seen: number[] = [];
    tokens.revoke = async () => {
      seen.push(await epochs.current('asha'));
      throw new Error('down');
    };
    await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
    expect(seen).toEqual([1]);
  });

  it('has the revocation stored before the first step', async () => {
    const waiting: number[] = [];
    tokens.revoke = async () => {
      const rows = await database.db.selectFrom('revocations').select('status').execute();
      waiting.push(rows.filter((row) => row.status === 'open').length);
      return { count: 0 };
    };
    await revoker.revoke(device, 'logged_out', ORIGIN);
    expect(waiting).toEqual([1]);
  });

  it('leaves no epoch raised by what ends less than an account', async () => {
    await revoker.revoke(device, 'logged_out', ORIGIN);
    await revoker.revoke({ kind: 'stale', userId: 'asha', before: START }, 'cutoff', SYSTEM_ORIGIN);
    await revoker.revoke({ kind: 'sweep', before: START }, 'cutoff', SYSTEM_ORIGIN);
    expect(await createEpochStore(database).current('asha')).toBe(0);
  });

  it('gives one order with the same key, to whoever comes first, on whatever node', async () => {
    const scope = { kind: 'sweep', before: START } as const;
    const receipts = await Promise.all(
      [revoker, anotherNode(), anotherNode()].map((node) =>
        node.revoke(scope, 'cutoff', SYSTEM_ORIGIN, 'sweep:1'),
      ),
    );
    expect(receipts.filter((receipt) => receipt !== undefined)).toHaveLength(1);
    expect(timesAsked()).toEqual([1, 1, 1]);
    expect(await receiptsInAudit()).toHaveLength(1);
  });

  it('rejects when not even the revocation could be stored, and asks nobody', async () => {
    await database.db.schema.alterTable('revocations').renameTo('away').execute();
    await expect(revoker.revokeAccount('asha', 'logged_out', ORIGIN)).rejects.toThrow();
    expect(timesAsked()).toEqual([0, 0, 0]);
  });

  describe('when a target fails', () => {
    beforeEach(() => {
      sessions.broken = true;
    });

    it('says which step is queued, and carries out the others', async () => {
      const receipt = await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
      expect(receipt.status).toBe('queued');
      expect(receipt.lines.map(({ step, status }) => [step, status])).toEqual([
        ['broker_tokens', 'done'],
        ['sessions', 'queued'],
        ['caches', 'done'],
      ]);
      expect(timesAsked()).toEqual([1, 1, 1]);
      expect(logged).toContainEqual(expect.objectContaining({ step: 'sessions' }));
      expect(await revocations.countWaiting()).toBe(1);
    });

    it('tries what is left until it is done, and nothing twice', async () => {
      await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
      clock.advance(2 * SECOND_MS);
      expect(await revoker.retryDue()).toBe(0);
      sessions.broken = false;
      clock.advance(4 * SECOND_MS);
      expect(await revoker.retryDue()).toBe(1);
      expect(timesAsked()).toEqual([1, 3, 1]);
      clock.advance(10 * MINUTE_MS);
      expect(await revoker.retryDue()).toBe(0);
      expect(timesAsked()).toEqual([1, 3, 1]);
      expect((await revocations.latestReceipt('asha'))?.status).toBe('done');
      expect(await revocations.countWaiting()).toBe(0);
    });

    it('gives the target the same order each time', async () => {
      await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
      clock.advance(2 * SECOND_MS);
      await revoker.retryDue();
      expect(sessions.revocations[1]).toEqual(sessions.revocations[0]);
    });

    it('waits longer from try to try, and never longer than five minutes', async () => {
      await revoker.revoke(device, 'logged_out', ORIGIN);
      const waits: number[] = [];
      let waited = 0;
      while (waits.length < 10) {
        clock.advance(SECOND_MS);
        waited += SECOND_MS;
        const before = sessions.revocations.length;
        await revoker.retryDue();
        if (sessions.revocations.length === before) continue;
        waits.push(waited / SECOND_MS);
        waited = 0;
      }
      expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    });

    it('is written down when it first fails and when it is done, and not for each try', async () => {
      await revoker.revokeAccount('asha', 'logged_out', ORIGIN);
      for (let each = 0; each < 3; each += 1) {
        clock.advance(5 * MINUTE_MS);
        await revoker.retryDue();
      }
      sessions.broken = false;
      clock.advance(5 * MINUTE_MS);
      await revoker.retryDue();
      const written = await receiptsInAudit();
      expect(written.map(({ actor, event }) => [actor, event.receipt.status])).toEqual([
        ['asha', 'queued'],
        ['system', 'done'],
      ]);
    });

    it('is retried by one node of two', async () => {
      await revoker.revoke(device, 'logged_out', ORIGIN);
      sessions.broken = false;
      clock.advance(2 * SECOND_MS);
      const done = await Promise.all([revoker.retryDue(), anotherNode().retryDue()]);
      expect([...done].sort()).toEqual([0, 1]);
      expect(timesAsked()).toEqual([1, 2, 1]);
    });
  });

  describe('when it cannot be written down what was done', () => {
    const forgetful = () => anotherNode({ saveProgress: () => Promise.reject(new Error('disk full')) });

    it('says that the revocation is still open, which it is, and does it once more', async () => {
      const receipt = await forgetful().revokeAccount('asha', 'logged_out', ORIGIN);
      expect(receipt.status).toBe('queued');
      expect(receipt.lines.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
      expect(logged).toContainEqual(expect.objectContaining({ revocation: receipt.orderId }));
      clock.advance(30 * SECOND_MS);
      expect(await revoker.retryDue()).toBe(1);
      expect(sessions.revocations[1]).toEqual(sessions.revocations[0]);
      expect(timesAsked()).toEqual([2, 2, 2]);
      const written = await receiptsInAudit();
      expect(written.map(({ event }) => event.receipt.status)).toEqual(['queued', 'done']);
    });

    it('goes on with the account where devices were the last', async () => {
      signedIn = () => Promise.resolve(0);
      const receipt = await forgetful().revoke(device, 'logged_out', ORIGIN);
      expect(receipt).toMatchObject({ scope: 'account', status: 'queued' });
      expect(sessions.revocations.map(({ scope }) => scope.kind)).toEqual(['device', 'account']);
    });

    it('carries out one that cannot be read as all of its user from before it, and the others behind it', async () => {
      await revocations.openAccount('asha', 'password_changed');
      await database.db.updateTable('revocations').set({ scope: 'half a {', receipt: '[' }).execute();
      await revocations.openAccount('ravi', 'password_changed');
      clock.advance(30_000);
      expect(await anotherNode().retryDue()).toBe(2);
      expect(sessions.revocations.map(({ scope }) => scope)).toEqual([
        { kind: 'stale', userId: 'asha', before: START },
        { kind: 'account', userId: 'ravi', throughEpoch: 0 },
      ]);
    });

    it('goes on with the next revocation', async () => {
      for (let each = 0; each < 2; each += 1) await revocations.open(device, 'logged_out');
      clock.advance(30 * SECOND_MS);
      expect(await forgetful().retryDue()).toBe(0);
      expect(timesAsked()).toEqual([2, 2, 2]);
    });
  });

  describe('when a node dies', () => {
    it('after storing the revocation, another carries out every step', async () => {
      await revocations.openAccount('asha', 'password_changed');
      const other = anotherNode();
      clock.advance(29 * SECOND_MS);
      expect(await other.retryDue()).toBe(0);
      clock.advance(SECOND_MS);
      expect(await other.retryDue()).toBe(1);
      expect(timesAsked()).toEqual([1, 1, 1]);
      expect(await receiptsInAudit()).toMatchObject([
        {
          actor: 'system',
          userId: 'asha',
          event: { receipt: { status: 'done', reason: 'password_changed' } },
        },
      ]);
    });

    it('in the middle of a sweep, another finishes it', async () => {
      await revocations.open({ kind: 'sweep', before: START }, 'cutoff', `sweep:${START}`);
      clock.advance(30 * SECOND_MS);
      expect(await anotherNode().retryDue()).toBe(1);
      expect(sessions.revocations).toMatchObject([{ scope: { kind: 'sweep', before: START } }]);
    });
  });

  describe('when devices end', () => {
    it('ends the account as well where nobody is left', async () => {
      signedIn = () => Promise.resolve(0);
      const receipt = await revoker.revoke(device, 'idle', SYSTEM_ORIGIN, 'idle:one');
      expect(receipt).toMatchObject({ scope: 'account', reason: 'idle', status: 'done' });
      expect(sessions.revocations.map(({ scope }) => scope.kind)).toEqual(['device', 'account']);
      expect(await createEpochStore(database).current('asha')).toBe(1);
    });

    it('leaves the account alone where somebody is', async () => {
      const receipt = await revoker.revoke(device, 'logged_out', ORIGIN);
      expect(receipt).toMatchObject({ scope: 'device', status: 'done' });
      expect(timesAsked()).toEqual([1, 1, 1]);
      expect(await createEpochStore(database).current('asha')).toBe(0);
    });

    it('asks again later where nobody can tell', async () => {
      signedIn = () => Promise.reject(new Error('down'));
      expect(await revoker.revoke(device, 'logged_out', ORIGIN)).toMatchObject({ status: 'queued' });
      signedIn = () => Promise.resolve(0);
      clock.advance(2 * SECOND_MS);
      expect(await revoker.retryDue()).toBe(1);
      expect(sessions.revocations.map(({ scope }) => scope.kind)).toEqual(['device', 'account']);
    });
  });
});

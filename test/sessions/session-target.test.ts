import { describe, expect, it } from 'vitest';
import type { AuditEvent, AuditLog } from '../../src/core/audit-event.ts';
import type { Revocation, RevocationScope } from '../../src/core/revocation.ts';
import { createSessionTarget } from '../../src/sessions/session-target.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { SESSION_RIGS } from './session-rigs.ts';
import { loadBody, putSession } from './stored-sessions.ts';

describe.each(SESSION_RIGS)('the sessions on %s, at a revocation', (_name, open) => {
  async function start() {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const rig = await open(clock);
    const events: AuditEvent[] = [];
    const recordMany = (more: readonly AuditEvent[]) => Promise.resolve(void events.push(...more));
    const audit: AuditLog = { record: (event) => recordMany([event]), recordMany };
    const target = createSessionTarget(rig.storage.registry, audit);
    const order = (scope: RevocationScope): Revocation => ({
      id: '1',
      scope,
      reason: 'cutoff',
      orderedAt: 0,
    });
    const put = (userId: string, epoch = 0) =>
      putSession(rig.storage, { userId, loginTime: clock.now(), epoch });
    const isThere = async (sid: string) => Boolean(await loadBody(rig.storage, sid, { passive: true }));
    return { clock, rig, events, target, order, put, isThere };
  }

  it('end as far as each scope reaches, and the same order again ends nothing more', async () => {
    const { clock, rig, target, order, put, isThere } = await start();
    const [named, old, stale, swept] = [await put('a'), await put('b'), await put('c'), await put('d')];
    clock.advance(1);
    const kept = [await put('a'), await put('b', 1), await put('c')];
    const scopes: readonly (readonly [RevocationScope, string])[] = [
      [{ kind: 'device', userId: 'a', sids: [named] }, named],
      [{ kind: 'account', userId: 'b', throughEpoch: 0 }, old],
      [{ kind: 'stale', userId: 'c', before: clock.now() }, stale],
      [{ kind: 'sweep', before: clock.now() }, swept],
    ];
    for (const [scope, sid] of scopes) {
      expect(await isThere(sid)).toBe(true);
      expect((await target.revoke(order(scope))).count).toBe(1);
      expect(await isThere(sid)).toBe(false);
      expect((await target.revoke(order(scope))).count).toBe(0);
    }
    for (const sid of kept) expect(await isThere(sid)).toBe(true);
    await rig.close();
  });

  it('write down at a sweep whose they were, and how many', async () => {
    const { clock, rig, events, target, order, put } = await start();
    for (const userId of ['asha', 'asha', 'ravi']) await put(userId);
    clock.advance(1);
    const outcome = await target.revoke(order({ kind: 'sweep', before: clock.now() }));
    expect(outcome).toEqual({ count: 3, detail: '2 people' });
    expect([...events].sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
      { type: 'session.ended', userId: 'asha', reason: 'cutoff', sessions: 2 },
      { type: 'session.ended', userId: 'ravi', reason: 'cutoff', sessions: 1 },
    ]);
    await rig.close();
  });
});

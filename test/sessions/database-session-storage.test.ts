import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionStorage } from '../../src/sessions/session-storage.ts';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { onDatabase, type SessionRig } from './session-rigs.ts';
import { destroySession, loadBody, putSession, saveBody, sessionBody } from './stored-sessions.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const START = Date.parse('2026-11-23T10:00:00+05:30');

describe.each(DATABASES)('sessions embedded on %s', (_name, open) => {
  let clock: SettableClock;
  let database: Database;
  let rig: SessionRig;
  let storage: SessionStorage;

  beforeEach(async () => {
    clock = createSettableClock(START);
    database = await open();
    rig = onDatabase(database, clock);
    ({ storage } = rig);
  });
  afterEach(() => rig.close());

  const signIn = () => putSession(storage, { userId: 'asha', loginTime: clock.now() });
  const rows = () =>
    database.db.selectFrom('sessions').select(['sid', 'user_id', 'login_time', 'epoch']).execute();

  it('are loaded to the last millisecond of the idle limit', async () => {
    const sid = await signIn();
    clock.advance(30 * MINUTE_MS - 1);
    expect(await loadBody(storage, sid, { passive: true })).toBeTruthy();
    clock.advance(1);
    expect(await loadBody(storage, sid, { passive: true })).toBeFalsy();
    expect(await loadBody(storage, sid)).toBeFalsy();
    expect(await storage.registry.endingOf(sid)).toBe('idle');
  });

  it('are rows with the user, the epoch and the login time beside the body', async () => {
    const sid = await signIn();
    expect(await rows()).toEqual([{ sid, user_id: 'asha', login_time: START, epoch: 0 }]);
  });

  it('are told why they ended for a day', async () => {
    const sid = await signIn();
    await storage.registry.end([sid], 'ended_by_admin');
    clock.advance(24 * HOUR_MS);
    await storage.registry.tidy();
    expect(await storage.registry.endingOf(sid)).toBe('ended_by_admin');
    clock.advance(SECOND_MS);
    await storage.registry.tidy();
    expect(await storage.registry.endingOf(sid)).toBeUndefined();
  });

  it('let requests in between the batches in which a sweep ends them', async () => {
    for (let each = 0; each < 600; each += 1) await signIn();
    let turns = 0;
    let counting = setImmediate(function count() {
      turns += 1;
      counting = setImmediate(count);
    });
    let batches = 0;
    for await (const _batch of storage.registry.endAllBefore(START + 1, 'cutoff')) batches += 1;
    clearImmediate(counting);
    expect(batches).toBeGreaterThan(1);
    expect(turns).toBeGreaterThanOrEqual(batches);
  });

  it('are ended by two nodes at once without an error, each counted once', async () => {
    const sids = await Promise.all(Array.from({ length: 40 }, signIn));
    const counts = await Promise.all([
      storage.registry.end(sids, 'logged_out'),
      rig.anotherNode().registry.end([...sids].reverse(), 'logged_out'),
    ]);
    expect(counts[0] + counts[1]).toBe(40);
    expect(await rows()).toEqual([]);
  });

  it('are neither loaded nor saved nor said to be ended when the database is gone', async () => {
    const sid = await signIn();
    const gone = onDatabase(await open(), clock);
    await gone.storage.registry.findIdle(1);
    await gone.close();
    const { storage: dead } = gone;
    const unavailable = { code: 'unavailable', retryAfterSeconds: 2 };
    const body = sessionBody({ userId: 'asha', loginTime: START });
    await expect(loadBody(dead, sid)).rejects.toMatchObject(unavailable);
    await expect(saveBody(dead, sid, body)).rejects.toMatchObject(unavailable);
    await expect(destroySession(dead, sid)).rejects.toMatchObject(unavailable);
    await expect(dead.registry.end([sid], 'logged_out')).rejects.toThrow();
    await expect(dead.registry.listByUser('asha')).rejects.toThrow();
    await expect(dead.registry.endThroughEpoch('asha', 1, 'logged_out')).rejects.toThrow();
    await expect(dead.registry.endStale('asha', 1, 'cutoff')).rejects.toThrow();
    await expect(dead.registry.endAllBefore(1, 'cutoff')[Symbol.asyncIterator]().next()).rejects.toThrow();
    await expect(dead.registry.findIdle(1)).rejects.toThrow();
    await expect(dead.registry.lastSeen(sid)).rejects.toThrow();
    await expect(dead.registry.endingOf(sid)).rejects.toThrow();
  });
});

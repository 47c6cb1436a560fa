import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionCursor, SessionStorage } from '../../src/sessions/session-storage.ts';
import { SESSION_RIGS, type SessionRig } from './session-rigs.ts';
import { loadBody, putSession } from './stored-sessions.ts';

const NOW = Date.parse('2026-11-20T12:00:00+05:30');

describe.each(SESSION_RIGS)('the list of all sessions on %s', (_name, open) => {
  let now: number;
  let rig: SessionRig;
  let storage: SessionStorage;
  beforeEach(async () => {
    now = NOW;
    rig = await open({ now: () => now });
    storage = rig.storage;
  });
  afterEach(() => rig.close());

  const page = (from: SessionCursor | undefined, limit = 3) => storage.registry.listNewest(from, limit);

  async function readAll(limit: number, meanwhile: () => Promise<unknown> = async () => undefined) {
    const seen: string[] = [];
    for (let from: SessionCursor | undefined; ; ) {
      const { sessions, next } = await page(from, limit);
      seen.push(...sessions.map(({ device }) => device.userId));
      if (next === undefined) return seen;
      from = next;
      await meanwhile();
    }
  }

  it('is newest first, in batches, also where many began in the same millisecond', async () => {
    for (const userId of ['a', 'b']) await putSession(storage, { userId, loginTime: NOW - 2 });
    for (const userId of ['c', 'd', 'e', 'f', 'g']) await putSession(storage, { userId, loginTime: NOW - 1 });
    await putSession(storage, { userId: 'h', loginTime: NOW });
    for (const limit of [1, 2, 3, 5, 8, 9]) {
      const seen = await readAll(limit);
      expect(seen[0]).toBe('h');
      expect(seen.slice(1, 6).sort()).toEqual(['c', 'd', 'e', 'f', 'g']);
      expect(seen.slice(6).sort()).toEqual(['a', 'b']);
    }
  });

  it('goes on behind any session of a batch, without naming it', async () => {
    for (let index = 0; index < 4; index += 1) await putSession(storage, { userId: 'a', loginTime: NOW });
    const whole = await page(undefined, 4);
    const [, second] = whole.sessions;
    const rest = await page(second?.behind, 4);
    expect(rest.sessions.map(({ device }) => device.sid)).toEqual(
      whole.sessions.slice(2).map(({ device }) => device.sid),
    );
    expect(JSON.stringify([whole.next, second?.behind])).not.toContain('s.a');
  });

  it('passes over nobody while newer sessions come and newer ones end', async () => {
    for (let index = 0; index < 9; index += 1)
      await putSession(storage, { userId: `old-${index}`, loginTime: NOW - 100 + index });
    const gone = await putSession(storage, { userId: 'gone', loginTime: NOW - 1 });
    const seen = await readAll(3, async () => {
      now += 1;
      await putSession(storage, { userId: 'newcomer', loginTime: now });
      await storage.registry.end([gone], 'logged_out');
    });
    expect(seen.filter((name) => name.startsWith('old'))).toEqual(
      Array.from({ length: 9 }, (_, index) => `old-${8 - index}`),
    );
  });

  it('has only what could be used now, and still leads on', async () => {
    await putSession(storage, { userId: 'idle', loginTime: NOW - 1 });
    now += 1_800_000;
    await putSession(storage, { userId: 'here', loginTime: now });
    expect(await readAll(1)).toEqual(['here']);
  });

  it('is empty where nobody is signed in', async () => {
    expect(await page(undefined)).toEqual({ sessions: [], next: undefined });
  });

  it('sessions are told of a changed role, and none comes back by it', async () => {
    const sid = await putSession(storage, { userId: 'a', loginTime: NOW });
    const other = await putSession(storage, { userId: 'b', loginTime: NOW });
    const ended = await putSession(storage, { userId: 'a', loginTime: NOW });
    await storage.registry.end([ended], 'logged_out');
    await storage.registry.setRole('a', 'admin');
    expect(await loadBody(storage, sid)).toMatchObject({ userId: 'a', role: 'admin' });
    expect(await loadBody(storage, other)).toMatchObject({ role: 'user' });
    expect(await loadBody(storage, ended)).toBeFalsy();
    now += 1_799_999;
    expect(await storage.registry.listByUser('a')).toHaveLength(1);
    now += 1;
    expect(await storage.registry.listByUser('a')).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { newSignedInSessionId } from '../../src/sessions/session-id.ts';
import { SessionEndedError, type SessionStorage } from '../../src/sessions/session-storage.ts';
import { eventually } from '../support/eventually.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { type Device, type Harness, startHarness } from './session-browser.ts';
import { SESSION_RIGS, type SessionRig, USUAL_POLICY } from './session-rigs.ts';
import { destroySession, loadBody, putSession, saveBody, sessionBody } from './stored-sessions.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const START = Date.parse('2026-11-23T10:00:00+05:30');
const IDLE_MS = 30 * MINUTE_MS;

describe.each(SESSION_RIGS)('sessions on %s', (name, open) => {
  let clock: SettableClock;
  let rig: SessionRig;
  let storage: SessionStorage;
  let registry: SessionStorage['registry'];
  let harness: Harness;

  beforeEach(async () => {
    clock = createSettableClock(START);
    rig = await open(clock);
    ({ storage } = rig);
    ({ registry } = storage);
    harness = await startHarness(storage, clock);
  });
  afterEach(async () => {
    await harness.close();
    await rig.close();
  });

  const signIn = (userId = 'asha', epoch = 0): Promise<Device> => harness.signIn({ userId, epoch });

  async function collect<T>(batches: AsyncIterable<T>): Promise<readonly T[]> {
    const all: T[] = [];
    for await (const batch of batches) all.push(batch);
    return all;
  }

  describe('the store of express-session', () => {
    it('gives a session back to the device that it was made for', async () => {
      const device = await signIn();
      expect(await device.look()).toEqual({ sid: device.sid, userId: 'asha', note: null });
      await device.write('hello');
      expect(await device.look()).toMatchObject({ userId: 'asha', note: 'hello' });
      expect(await device.poll()).toMatchObject({ userId: 'asha', note: 'hello' });
    });

    it('shows every node the same', async () => {
      const device = await signIn();
      await device.write('hello');
      const other = rig.anotherNode();
      expect(await loadBody(other, device.sid)).toMatchObject({ userId: 'asha', csrfSecret: 'hello' });
      await other.registry.end([device.sid], 'logged_out');
      expect((await device.look()).userId).toBeNull();
    });

    it('saves a new session only while its id is free', async () => {
      const sid = newSignedInSessionId('asha', START);
      await saveBody(storage, sid, sessionBody({ userId: 'asha', loginTime: START }));
      await expect(
        saveBody(storage, sid, sessionBody({ userId: 'thief', loginTime: START })),
      ).rejects.toBeInstanceOf(SessionEndedError);
      expect(await loadBody(storage, sid)).toMatchObject({ userId: 'asha' });
    });

    it('saves a session again and again while it is there', async () => {
      const sid = newSignedInSessionId('asha', START);
      const body = sessionBody({ userId: 'asha', loginTime: START });
      await saveBody(storage, sid, body);
      await saveBody(storage, sid, Object.assign(body, { csrfSecret: 'second' }));
      expect(await loadBody(storage, sid)).toMatchObject({ csrfSecret: 'second' });
    });

    it('does not save a session that was loaded and has ended since', async () => {
      const device = await signIn();
      const slow = await device.writeSlowly('zombie');
      expect(await registry.end([device.sid], 'logged_out')).toBe(1);
      expect(await slow.finish()).toMatchObject({ failed: 'SessionEndedError' });
      expect(await loadBody(storage, device.sid)).toBeFalsy();
      expect(await registry.listByUser('asha')).toEqual([]);
    });

    it('does not save a session that the same request made and that has ended since', async () => {
      const sid = newSignedInSessionId('asha', START);
      const body = sessionBody({ userId: 'asha', loginTime: START });
      await saveBody(storage, sid, body);
      await registry.end([sid], 'logged_out');
      await expect(saveBody(storage, sid, body)).rejects.toBeInstanceOf(SessionEndedError);
      expect(await loadBody(storage, sid)).toBeFalsy();
    });

    it('lets a slow request save when nothing ended meanwhile', async () => {
      const device = await signIn();
      const slow = await device.writeSlowly('kept');
      expect(await slow.finish()).toMatchObject({ userId: 'asha', note: 'kept' });
      expect((await device.look()).note).toBe('kept');
    });

    it('destroys', async () => {
      const sid = await putSession(storage, { userId: 'asha', loginTime: START });
      await destroySession(storage, sid);
      await destroySession(storage, sid);
      expect(await loadBody(storage, sid)).toBeFalsy();
    });

    it('knows nothing of an id that nobody has', async () => {
      expect(await loadBody(storage, newSignedInSessionId('asha', START))).toBeFalsy();
      expect(await loadBody(storage, '')).toBeFalsy();
      expect(await loadBody(storage, "' or 1=1 --\r\nFLUSHALL")).toBeFalsy();
    });

    it('keeps a body as it is, whatever letters are in it', async () => {
      const device = await signIn();
      const note = `\u0001"'\\ рублей 🪔 ${'x'.repeat(5000)}`;
      await device.write(encodeURIComponent(note));
      expect((await device.look()).note).toBe(note);
    });

    it('holds nothing of a visitor with a form', async () => {
      const visitor = await harness.visit();
      expect(visitor.cookie).not.toBe('');
      expect(await visitor.look()).toMatchObject({ userId: null, note: null });
      expect(await loadBody(storage, visitor.sid)).toBeFalsy();
      expect(await registry.lastSeen(visitor.sid)).toBeUndefined();
      expect((await collect(registry.listAll())).flat()).toEqual([]);
      clock.advance(24 * HOUR_MS);
      expect(await registry.findIdle(10)).toEqual([]);
    });
  });

  describe('the clock of idleness', () => {
    const lastSeen = (device: Device) => registry.lastSeen(device.sid);
    const becomes = (device: Device, expected: number) =>
      eventually(async () => expect(await lastSeen(device)).toBe(expected));

    it('starts at sign-in', async () => {
      expect(await lastSeen(await signIn())).toBe(START);
    });

    it('is moved by a request, but not twice within a minute', async () => {
      const device = await signIn();
      clock.advance(59 * SECOND_MS);
      await device.look();
      await device.look();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await lastSeen(device)).toBe(START);
      clock.advance(SECOND_MS);
      await device.look();
      await becomes(device, START + MINUTE_MS);
      clock.advance(30 * SECOND_MS);
      await device.look();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await lastSeen(device)).toBe(START + MINUTE_MS);
    });

    it('is not moved by polling', async () => {
      const device = await signIn();
      clock.advance(5 * MINUTE_MS);
      expect((await device.poll()).userId).toBe('asha');
      await registry.flush({ all: true });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await lastSeen(device)).toBe(START);
    });

    it('gets the last use of a minute when the minute is over', async () => {
      const device = await signIn();
      clock.advance(40 * SECOND_MS);
      await device.look();
      clock.advance(10 * SECOND_MS);
      await registry.flush();
      expect(await lastSeen(device)).toBe(START);
      clock.advance(10 * SECOND_MS);
      await registry.flush();
      expect(await lastSeen(device)).toBe(START + 40 * SECOND_MS);
      clock.advance(5 * MINUTE_MS);
      await registry.flush();
      expect(await lastSeen(device)).toBe(START + 40 * SECOND_MS);
    });

    it('gets every last use when the server closes', async () => {
      const [first, second] = [await signIn(), await signIn('ravi')];
      clock.advance(20 * SECOND_MS);
      await first.look();
      await second.look();
      await registry.flush({ all: true });
      expect(await lastSeen(first)).toBe(START + 20 * SECOND_MS);
      expect(await lastSeen(second)).toBe(START + 20 * SECOND_MS);
    });

    it('is never moved back by a node that writes late what it saw earlier', async () => {
      const device = await signIn();
      const other = rig.anotherNode();
      clock.advance(10 * SECOND_MS);
      await device.look();
      clock.advance(45 * SECOND_MS);
      await loadBody(other, device.sid);
      await becomes(device, START + 55 * SECOND_MS);
      clock.advance(10 * SECOND_MS);
      await registry.flush();
      expect(await lastSeen(device)).toBe(START + 55 * SECOND_MS);
    });

    it('is written more often where the limit is short', async () => {
      rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 30 * SECOND_MS });
      const device = await signIn();
      clock.advance(10 * SECOND_MS);
      await device.look();
      await becomes(device, START + 10 * SECOND_MS);
    });

    it('does not bring back a session that has ended', async () => {
      const device = await signIn();
      clock.advance(30 * SECOND_MS);
      await device.look();
      await registry.end([device.sid], 'logged_out');
      await registry.flush({ all: true });
      expect(await lastSeen(device)).toBeUndefined();
      expect(await registry.findIdle(10)).toEqual([]);
      clock.advance(HOUR_MS);
      expect(await registry.findIdle(10)).toEqual([]);
    });

    it('finds the sessions whose limit has come, to the millisecond', async () => {
      const idle = await signIn();
      clock.advance(MINUTE_MS);
      const used = await signIn('ravi');
      clock.set(START + IDLE_MS - 1);
      expect(await registry.findIdle(10)).toEqual([]);
      clock.set(START + IDLE_MS);
      expect(await registry.findIdle(10)).toEqual([idle.sid]);
      clock.set(START + MINUTE_MS + IDLE_MS);
      expect([...(await registry.findIdle(10))].sort()).toEqual([idle.sid, used.sid].sort());
      expect(await registry.findIdle(1)).toHaveLength(1);
    });

    it('finds nothing within a month where there is no limit', async () => {
      rig.policy.replace({ cutoffTime: 'off', idleTimeoutMs: 'off' });
      await signIn();
      clock.advance(29 * 24 * HOUR_MS);
      expect(await registry.findIdle(10)).toEqual([]);
    });

    it('follows a changed limit', async () => {
      const device = await signIn();
      clock.advance(10 * MINUTE_MS);
      expect(await registry.findIdle(10)).toEqual([]);
      rig.policy.replace({ ...USUAL_POLICY, idleTimeoutMs: 5 * MINUTE_MS });
      await registry.applyPolicy();
      expect(await registry.findIdle(10)).toEqual([device.sid]);
      expect(await registry.listByUser('asha')).toEqual([]);
    });
  });

  describe('the list of a person’s devices', () => {
    it('is oldest first, and says what is known of each', async () => {
      const first = await signIn('asha', 3);
      clock.advance(MINUTE_MS);
      const second = await signIn('asha', 3);
      clock.advance(MINUTE_MS);
      await signIn('ravi');
      const third = await signIn('asha', 4);
      const devices = await registry.listByUser('asha');
      expect(devices.map(({ sid }) => sid)).toEqual([first.sid, second.sid, third.sid]);
      expect(devices[0]).toEqual({
        sid: first.sid,
        deviceId: expect.stringContaining('device-'),
        userId: 'asha',
        username: 'asha',
        role: 'user',
        epoch: 3,
        loginTime: START,
        lastSeen: START,
        userAgent: 'Harness/1.0',
        address: '192.0.2.1',
      });
    });

    it('leaves out what could not be used now: ended, idle, from before the cutoff', async () => {
      const ended = await signIn();
      await registry.end([ended.sid], 'logged_out');
      const idle = await signIn();
      clock.advance(IDLE_MS - 1);
      const live = await signIn();
      expect((await registry.listByUser('asha')).map(({ sid }) => sid)).toEqual([idle.sid, live.sid]);
      clock.advance(1);
      expect((await registry.listByUser('asha')).map(({ sid }) => sid)).toEqual([live.sid]);
      rig.policy.replace({ cutoffTime: { hour: 11, minute: 0 }, idleTimeoutMs: 'off' });
      clock.set('2026-11-23T10:59:59.999+05:30');
      expect(await registry.listByUser('asha')).toHaveLength(2);
      clock.set('2026-11-23T11:00:00.000+05:30');
      expect(await registry.listByUser('asha')).toEqual([]);
    });

    it('leaves out what was entered and never stored', async () => {
      const sid = newSignedInSessionId('asha', START);
      await registry.register({ sid, userId: 'asha', epoch: 0, loginTime: START });
      expect(await registry.listByUser('asha')).toEqual([]);
      expect(await registry.lastSeen(sid)).toBeUndefined();
    });

    it('is empty for a person without any', async () => {
      expect(await registry.listByUser('nobody')).toEqual([]);
      expect(await registry.listByUser("' or 1=1")).toEqual([]);
    });
  });

  describe('ending', () => {
    it('ends those that are named, once, and nobody else’s', async () => {
      const [first, second, third] = [await signIn(), await signIn(), await signIn('ravi')];
      expect(await registry.end([first.sid, third.sid], 'ended_by_owner')).toBe(2);
      expect(await registry.end([first.sid, third.sid], 'ended_by_owner')).toBe(0);
      expect(await registry.end([], 'ended_by_owner')).toBe(0);
      expect((await first.look()).userId).toBeNull();
      expect((await third.look()).userId).toBeNull();
      expect((await second.look()).userId).toBe('asha');
      expect(await registry.lastSeen(first.sid)).toBeUndefined();
    });

    it('ends everything of a person through an epoch, and nothing that began afterwards', async () => {
      const old = await signIn('asha', 0);
      const last = await signIn('asha', 1);
      const fresh = await signIn('asha', 2);
      const other = await signIn('ravi', 0);
      expect(await registry.endThroughEpoch('asha', 1, 'logged_out_everywhere')).toBe(2);
      expect(await registry.endThroughEpoch('asha', 1, 'logged_out_everywhere')).toBe(0);
      expect((await old.look()).userId).toBeNull();
      expect((await last.look()).userId).toBeNull();
      expect((await fresh.look()).userId).toBe('asha');
      expect((await other.look()).userId).toBe('ravi');
    });

    it('ends what a person began before an instant, and not what began at it', async () => {
      const before = await signIn();
      clock.advance(1);
      const at = await signIn();
      const other = await signIn('ravi');
      expect(await registry.endStale('asha', START + 1, 'cutoff')).toBe(1);
      expect((await before.look()).userId).toBeNull();
      expect((await at.look()).userId).toBe('asha');
      expect((await other.look()).userId).toBe('ravi');
      expect(await registry.endStale('ravi', START + 1, 'cutoff')).toBe(0);
    });

    it('ends 1,200 sessions of all users in batches, and leaves what began at the instant', async () => {
      const before: string[] = [];
      for (let each = 0; each < 1200; each += 1)
        before.push(
          await putSession(storage, { userId: `user-${each % 100}`, loginTime: START + (each % 7) }),
        );
      const cutoff = START + 7;
      const fresh = await putSession(storage, { userId: 'user-0', loginTime: cutoff });
      expect(await registry.countBefore(cutoff)).toBe(1200);

      const batches = await collect(registry.endAllBefore(cutoff, 'cutoff'));
      expect(batches.length).toBeGreaterThan(1);
      const perUser = new Map<string, number>();
      for (const batch of batches) {
        const size = [...batch.values()].reduce((sum, count) => sum + count, 0);
        expect(size).toBeLessThanOrEqual(500);
        for (const [userId, count] of batch) perUser.set(userId, (perUser.get(userId) ?? 0) + count);
      }
      expect(perUser.size).toBe(100);
      expect(new Set(perUser.values())).toEqual(new Set([12]));

      for (const sid of before.slice(0, 20)) expect(await loadBody(storage, sid)).toBeFalsy();
      expect((await collect(registry.listAll())).flat().map(({ sid }) => sid)).toEqual([fresh]);
      expect(await registry.countBefore(cutoff)).toBe(0);
      expect(await collect(registry.endAllBefore(cutoff, 'cutoff'))).toEqual([]);
    });

    it('leaves nothing behind of what it ended', async () => {
      await signIn('asha', 0);
      await signIn('asha', 1);
      await registry.endThroughEpoch('asha', 5, 'logged_out_everywhere');
      await signIn('ravi');
      await collect(registry.endAllBefore(START + 1, 'cutoff'));
      clock.advance(2 * IDLE_MS);
      expect(await registry.findIdle(10)).toEqual([]);
      expect(await registry.countBefore(clock.now())).toBe(0);
      expect((await collect(registry.listAll())).flat()).toEqual([]);
    });
  });

  describe('the list of everybody’s sessions', () => {
    it('comes in batches, oldest first, each session once', async () => {
      const loginTimes = Array.from(
        { length: 1100 },
        (_, each) => START - 1100 * 10 + Math.floor(each / 3) * 10,
      );
      for (const [each, loginTime] of loginTimes.entries())
        await putSession(storage, { userId: `user-${each % 9}`, loginTime });
      const batches = await collect(registry.listAll());
      expect(batches.length).toBeGreaterThan(1);
      const all = batches.flat();
      expect(new Set(all.map(({ sid }) => sid)).size).toBe(1100);
      expect(all.map(({ loginTime }) => loginTime)).toEqual([...loginTimes].sort((a, b) => a - b));
    });
  });

  describe('why a session has ended', () => {
    it('is remembered, and the first reason stays', async () => {
      const device = await signIn();
      await registry.end([device.sid], 'password_changed');
      await registry.end([device.sid], 'logged_out');
      expect(await registry.endingOf(device.sid)).toBe('password_changed');
    });

    it('is idleness, also before anybody came round to end it', async () => {
      const device = await signIn();
      expect(await registry.endingOf(device.sid)).toBeUndefined();
      clock.advance(IDLE_MS);
      expect(await registry.endingOf(device.sid)).toBe('idle');
      await registry.end([device.sid], 'idle');
      expect(await registry.endingOf(device.sid)).toBe('idle');
    });

    it('stays so where it was refused as idle by a clock that was ahead for a moment', async () => {
      const device = await signIn();
      clock.advance(10 * SECOND_MS);
      await device.look();
      clock.advance(IDLE_MS + SECOND_MS);
      const isRefused = (await device.look()).userId === null;
      clock.advance(-IDLE_MS);
      if (isRefused) {
        expect((await device.look()).userId).toBeNull();
        expect((await device.poll()).userId).toBeNull();
        await registry.flush({ all: true });
        expect(await loadBody(rig.anotherNode(), device.sid)).toBeFalsy();
        expect(await registry.endingOf(device.sid)).toBe('idle');
        expect(await registry.listByUser('asha')).toEqual([]);
        expect(await registry.findIdle(10)).toEqual([device.sid]);
      }
      // Redis measures by its own clock, which no node moves.
      expect(isRefused).toBe(!name.includes('Redis'));
    });

    it('is not known of an id that never was, nor kept for what the last cutoff ended, which the id tells', async () => {
      expect(await registry.endingOf(newSignedInSessionId('asha', START))).toBeUndefined();
      const device = await signIn();
      clock.advance(24 * 60 * MINUTE_MS);
      await registry.end([device.sid], 'cutoff');
      expect(await registry.endingOf(device.sid)).not.toBe('cutoff');
    });

    it('is kept where an operator swept later than the cutoff', async () => {
      const device = await signIn();
      await registry.end([device.sid], 'cutoff');
      expect(await registry.endingOf(device.sid)).toBe('cutoff');
    });
  });

  describe('tidying up', () => {
    it('leaves live sessions alone', async () => {
      const device = await signIn();
      clock.advance(29 * MINUTE_MS);
      await registry.tidy();
      expect((await device.look()).userId).toBe('asha');
    });

    it('leaves idle sessions to whoever ends them with all that belongs to them', async () => {
      const device = await signIn();
      clock.advance(2 * HOUR_MS);
      await registry.tidy();
      expect(await registry.findIdle(10)).toEqual([device.sid]);
    });
  });

  it('reports nothing as failed in all this', () => {
    expect(rig.errors).toEqual([]);
  });
});

describe.each(SESSION_RIGS)('time that passes for sessions on %s', (_name, open) => {
  const SHORT = { cutoffTime: 'off', idleTimeoutMs: 2500 } as const;
  const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('ends one that nobody uses, keeps one that somebody uses, and polling is not using', async () => {
    const rig = await open(systemClock, SHORT);
    const harness = await startHarness(rig.storage, systemClock);
    const [used, polled, idle] = [
      await harness.signIn({ userId: 'used' }),
      await harness.signIn({ userId: 'polled' }),
      await harness.signIn({ userId: 'idle' }),
    ];
    for (let each = 0; each < 5; each += 1) {
      await rest(700);
      await used.look();
      await polled.poll();
    }
    expect((await used.look()).userId).toBe('used');
    expect((await polled.look()).userId).toBeNull();
    expect((await idle.look()).userId).toBeNull();
    expect([...(await rig.storage.registry.findIdle(10))].sort()).toEqual([idle.sid, polled.sid].sort());
    expect(await rig.storage.registry.listByUser('idle')).toEqual([]);
    expect(await rig.storage.registry.endingOf(idle.sid)).toBe('idle');
    await harness.close();
    await rig.close();
  });
});

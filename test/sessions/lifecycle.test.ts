import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor } from '../support/visitor.ts';
import { openSideDoor, type SideDoor, type SignInOptions } from './side-door.ts';
import { loadBody } from './stored-sessions.ts';

const MINUTE_MS = 60_000;
const ORIGIN = { actor: 'test' };

describe.each([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  ['Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('the life of a session on %s', (_name, settings) => {
  let clock: SettableClock;
  let server: TestServer;
  let door: SideDoor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { ...(await settings()), LOG_LEVEL: 'fatal' } });
    door = await openSideDoor(server);
  });
  afterEach(async () => {
    await door.close();
    await server.close();
  });

  const lifecycle = () => server.services.sessions.lifecycle;
  const sidsOf = async (userId: string) => (await lifecycle().devicesOf(userId)).map(({ sid }) => sid);
  const statusOf = async (browser: { cookie: string }) => (await door.who(browser)).status;
  const body = (sid: string) => loadBody(server.infrastructure.sessionStorage, sid, { passive: true });

  async function ordersOf(userId: string): Promise<readonly string[]> {
    const { db } = server.infrastructure.database;
    const rows = await db
      .selectFrom('revocations')
      .select(['reason', 'scope'])
      .where('user_id', '=', userId)
      .orderBy('ordered_at')
      .execute();
    return rows.map(({ reason, scope }) => `${(JSON.parse(scope) as { kind: string }).kind}: ${reason}`);
  }

  describe('at sign-in', () => {
    it('begins under a new id; the one that the browser came with is dead', async () => {
      const visitor = createVisitor(server.origin);
      await visitor.get('/setup');
      const planted = visitor.sessionCookie();
      expect(planted).not.toBe('');
      const browser = await door.signIn('asha', { cookie: `curfew=${planted}` });
      expect(browser.cookie).not.toBe(`curfew=${planted}`);
      expect(await statusOf({ cookie: `curfew=${planted}` })).toBe(401);
      expect(await statusOf(browser)).toBe(200);
    });

    it('holds who, since when in Indian time, and on what device', async () => {
      const browser = await door.signIn('asha', { userAgent: `Firefox ${'x'.repeat(500)}` });
      const stored = await body(browser.sid);
      expect(stored).toMatchObject({
        userId: 'asha',
        username: 'asha',
        role: 'user',
        epoch: 0,
        loginTime: '2026-11-23T10:00:00.000+05:30',
        address: '127.0.0.1',
      });
      expect(stored?.userAgent).toHaveLength(300);
      expect(stored?.deviceId).toMatch(/^[\w-]{16}$/);
      expect(browser.sid).not.toContain(stored?.deviceId);
    });

    it('stays small: it is parsed and hashed for every request', async () => {
      const browser = await door.signIn('asha', { userAgent: 'x'.repeat(5000) });
      expect(JSON.stringify(await body(browser.sid)).length).toBeLessThan(1024);
    });

    it('replaces the session that the same browser had', async () => {
      const before = await door.signIn('asha');
      const after = await door.signIn('asha', { cookie: before.cookie });
      expect(await statusOf(before)).toBe(401);
      expect(await statusOf(after)).toBe(200);
      expect(await sidsOf('asha')).toEqual([after.sid]);
      expect(await ordersOf('asha')).toEqual(['device: logged_out']);
    });

    it('logs out the other person who was signed in with this browser', async () => {
      const ravi = await door.signIn('ravi');
      const asha = await door.signIn('asha', { cookie: ravi.cookie });
      expect(await statusOf(ravi)).toBe(401);
      expect(await statusOf(asha)).toBe(200);
      expect(await ordersOf('ravi')).toEqual(['account: logged_out']);
    });

    describe('that fails over the session of another person with this browser', () => {
      const FAILURES: readonly (readonly [string, () => SignInOptions | undefined])[] = [
        ['because they were disabled meanwhile', () => ({ credentialsValid: () => Promise.resolve(false) })],
        ['because nobody knows', () => ({ credentialsValid: () => Promise.reject(new Error('down')) })],
        ['because the index does not answer', () => void failOnce('register')],
      ];
      const failOnce = (method: 'register') =>
        vi.spyOn(server.services.registry, method).mockRejectedValueOnce(new Error('down'));

      it.each(FAILURES)('ends that person’s account: it was their last, %s', async (_why, failure) => {
        const ravi = await door.signIn('ravi');
        await expect(door.signIn('asha', { cookie: ravi.cookie, ...failure() })).rejects.toThrow();
        await eventually(async () => expect(await ordersOf('ravi')).toContain('account: logged_out'));
        expect(await statusOf(ravi)).toBe(401);
        expect(await sidsOf('asha')).toEqual([]);
      });

      it.each(FAILURES)('leaves their other devices signed in, %s', async (_why, failure) => {
        const [ravi, elsewhere] = [await door.signIn('ravi'), await door.signIn('ravi')];
        await expect(door.signIn('asha', { cookie: ravi.cookie, ...failure() })).rejects.toThrow();
        await eventually(async () => expect(await sidsOf('ravi')).toEqual([elsewhere.sid]));
        expect(await ordersOf('ravi')).not.toContain('account: logged_out');
        expect(await statusOf(elsewhere)).toBe(200);
      });

      it('leaves them signed in where it failed before their session was replaced', async () => {
        const ravi = await door.signIn('ravi');
        const { schema } = server.infrastructure.database.db;
        await schema.alterTable('user_epochs').renameTo('away').execute();
        await expect(door.signIn('asha', { cookie: ravi.cookie })).rejects.toThrow();
        await schema.alterTable('away').renameTo('user_epochs').execute();
        expect(await statusOf(ravi)).toBe(200);
        expect(await ordersOf('ravi')).toEqual([]);
      });
    });

    it('ends the oldest where there is one too many, and says so to it', async () => {
      const browsers = [];
      for (let each = 0; each < 6; each += 1) {
        browsers.push(await door.signIn('asha'));
        clock.advance(1000);
      }
      expect(await sidsOf('asha')).toEqual(browsers.slice(1).map(({ sid }) => sid));
      expect((await door.who(browsers[0] ?? { cookie: '' })).body).toMatchObject({ reason: 'revoked' });
      expect(await ordersOf('asha')).toEqual(['device: session_limit']);
    });

    it('never leaves more than the limit, however many come at once', async () => {
      await Promise.all(Array.from({ length: 12 }, () => door.signIn('asha')));
      const left = (await sidsOf('asha')).length;
      expect(left).toBeGreaterThanOrEqual(1);
      expect(left).toBeLessThanOrEqual(5);
    });

    it('is not begun for somebody who was disabled meanwhile', async () => {
      const attempt = door.signIn('asha', { credentialsValid: () => Promise.resolve(false) });
      await expect(attempt).rejects.toThrow('refused');
      expect(await sidsOf('asha')).toEqual([]);
    });

    it('is not begun where that could not be found out', async () => {
      const attempt = door.signIn('asha', { credentialsValid: () => Promise.reject(new Error('down')) });
      await expect(attempt).rejects.toThrow('500');
      await eventually(async () => expect(await sidsOf('asha')).toEqual([]));
    });

    it('begins anew after a revocation that came in between and did not see it', async () => {
      const { registry } = server.services;
      const register = vi.spyOn(registry, 'register').mockImplementationOnce(async (entry) => {
        await lifecycle().endAccount('asha', 'password_changed', ORIGIN);
        register.mockRestore();
        await registry.register(entry);
      });
      const browser = await door.signIn('asha');
      expect(await statusOf(browser)).toBe(200);
      expect((await body(browser.sid))?.epoch).toBe(1);
      expect(await sidsOf('asha')).toEqual([browser.sid]);
    });

    it('gives up with 503 where revocations keep coming, and leaves nothing behind', async () => {
      const { registry } = server.services;
      const register = registry.register.bind(registry);
      vi.spyOn(registry, 'register').mockImplementation(async (entry) => {
        await lifecycle().endAccount('asha', 'password_changed', ORIGIN);
        await register(entry);
      });
      await expect(door.signIn('asha')).rejects.toThrow('503');
      expect(await sidsOf('asha')).toEqual([]);
    });

    it('begins in the new day when the cutoff comes in between', async () => {
      clock.set('2026-11-24T02:59:59.999+05:30');
      const { registry } = server.services;
      const register = vi.spyOn(registry, 'register').mockImplementationOnce(async (entry) => {
        register.mockRestore();
        clock.advance(1);
        await registry.register(entry);
      });
      const browser = await door.signIn('asha');
      expect((await body(browser.sid))?.loginTime).toBe('2026-11-24T03:00:00.000+05:30');
      expect(await statusOf(browser)).toBe(200);
      expect(await sidsOf('asha')).toEqual([browser.sid]);
    });

    it('is in the index before it is in the store, so that none lives that nobody could end', async () => {
      const { registry } = server.services;
      vi.spyOn(registry, 'register').mockRejectedValueOnce(new Error('down'));
      await expect(door.signIn('asha')).rejects.toThrow('500');
      const rows = await server.infrastructure.database.db.selectFrom('sessions').select('sid').execute();
      const keys = (await server.infrastructure.redis?.keys('curfew:sess:*')) ?? [];
      expect([...rows, ...keys]).toEqual([]);
    });
  });

  describe('at its end', () => {
    it('takes only the device along while another is signed in', async () => {
      const [first, second] = [await door.signIn('asha'), await door.signIn('asha')];
      const receipt = await lifecycle().endDevice('asha', first.sid, 'logged_out', ORIGIN);
      expect(receipt).toMatchObject({ scope: 'device', status: 'done' });
      expect(await statusOf(first)).toBe(401);
      expect(await statusOf(second)).toBe(200);
    });

    it('takes the account along when it is the last', async () => {
      const only = await door.signIn('asha');
      const receipt = await lifecycle().endDevice('asha', only.sid, 'logged_out', ORIGIN);
      expect(receipt).toMatchObject({ scope: 'account', status: 'done' });
      expect(receipt.lines.map(({ step }) => step)).toEqual([
        'broker_tokens',
        'sessions',
        'caches',
        'sockets',
      ]);
    });

    it('takes the account along when the last two end at the same moment', async () => {
      for (let round = 0; round < 15; round += 1) {
        const userId = `user-${round}`;
        const pair = [await door.signIn(userId), await door.signIn(userId)];
        await Promise.all(pair.map(({ sid }) => lifecycle().endDevice(userId, sid, 'logged_out', ORIGIN)));
        expect(await sidsOf(userId)).toEqual([]);
        expect(await ordersOf(userId)).toContain('account: logged_out');
      }
    });

    it('leaves the one that asks for the end of the others', async () => {
      const browsers = [await door.signIn('asha'), await door.signIn('asha'), await door.signIn('asha')];
      const [first, kept, third] = browsers;
      if (first === undefined || kept === undefined || third === undefined)
        throw new Error('three were asked for');
      const receipt = await lifecycle().endOtherDevices('asha', kept.sid, ORIGIN);
      expect(receipt?.lines.find(({ step }) => step === 'sessions')?.count).toBe(2);
      expect(await Promise.all([first, kept, third].map(statusOf))).toEqual([401, 200, 401]);
      expect(await lifecycle().endOtherDevices('asha', kept.sid, ORIGIN)).toBeUndefined();
    });

    it('is the end of every device when the account ends, and of nobody else’s', async () => {
      const browsers = [await door.signIn('asha'), await door.signIn('asha')];
      const ravi = await door.signIn('ravi');
      await lifecycle().endAccount('asha', 'account_disabled', ORIGIN);
      expect(await Promise.all(browsers.map(statusOf))).toEqual([401, 401]);
      expect(await statusOf(ravi)).toBe(200);
      const again = await door.signIn('asha');
      expect(await statusOf(again)).toBe(200);
    });

    it('is harmless for a session that has ended already', async () => {
      const [first, second] = [await door.signIn('asha'), await door.signIn('asha')];
      for (let each = 0; each < 2; each += 1) {
        const receipt = await lifecycle().endDevice('asha', first.sid, 'logged_out', ORIGIN);
        expect(receipt.status).toBe('done');
      }
      expect(await statusOf(second)).toBe(200);
    });

    it('comes once for idleness, on however many nodes that is noticed', async () => {
      const browser = await door.signIn('asha');
      await door.signIn('asha');
      clock.advance(30 * MINUTE_MS);
      await Promise.all(Array.from({ length: 4 }, () => lifecycle().endOnce('asha', browser.sid, 'idle')));
      expect((await ordersOf('asha')).filter((order) => order.endsWith(': idle'))).toEqual(['account: idle']);
    });
  });
});

import express, { type Request, type Response } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSignInHints } from '../../src/accounts/sign-in-hint.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

const START = '2026-11-20T12:00:00+05:30';
const OTHER_KEY = 'Zm9yIHRlc3RzIG9ubHk6IHRoaXJ0eS10d28gYnl0ZXM=';

describe('The hint of who signed in last', () => {
  const clock = createSettableClock(START);
  const createApp = (https = false, key: string = TEST_SECRETS.ENCRYPTION_KEY) => {
    const hints = createSignInHints({ keyRing: createKeyRing({ keys: [key], clock }), clock, https });
    const app = express();
    app.post('/', (_req: Request, res: Response) => {
      hints.write(res, 'asha', 'totp');
      res.end();
    });
    app.get('/', (req: Request, res: Response) => void res.json(hints.read(req) ?? null));
    return app;
  };
  const write = async (app = createApp()) => (await request(app).post('/')).headers['set-cookie']?.[0] ?? '';
  const read = async (cookie: string, app = createApp()): Promise<unknown> =>
    (
      await request(app)
        .get('/')
        .set('Cookie', cookie.split(';')[0] ?? '')
    ).body;

  it('is out of reach of scripts and other sites, and bound to its host under https', async () => {
    const plain = await write();
    expect(plain).toMatch(/^curfew-last=[\w=-]+; Max-Age=15552000; Path=\/; .*HttpOnly; SameSite=Lax$/);
    expect(plain).not.toContain('asha');
    expect(await write(createApp(true))).toMatch(
      /^__Host-curfew-last=[\w=-]+; Max-Age=15552000; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it('is read for 180 days, and never where it is forged or of another key', async () => {
    clock.set(START);
    const cookie = await write();
    expect(await read(cookie)).toEqual({ username: 'asha', way: 'code' });
    const forged = JSON.stringify({ username: 'asha', way: 'code', since: clock.now() });
    for (const value of ['', 'asha', encodeURIComponent(forged), Buffer.from(forged).toString('base64url')])
      expect(await read(`curfew-last=${value}`), value).toBeNull();
    const [name, sealed = ''] = (cookie.split(';')[0] ?? '').split(/=(.*)/);
    expect(
      await read(`${name}=${sealed.slice(0, 40)}${sealed[40] === 'A' ? 'B' : 'A'}${sealed.slice(41)}`),
    ).toBeNull();
    expect(await read(cookie, createApp(false, OTHER_KEY))).toBeNull();
    clock.advance(180 * DAY_MS - 1);
    expect(await read(cookie)).toEqual({ username: 'asha', way: 'code' });
    clock.advance(1);
    expect(await read(cookie)).toBeNull();
  });

  describe('on the sign-in page', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer({ clock });
      await setUp(createVisitor(server.origin));
    });
    afterAll(() => server.close());

    it('fills in the username, and opens nothing', async () => {
      const visitor = createVisitor(server.origin);
      await signIn(visitor);
      const thief = createVisitor(server.origin);
      thief.useCookie('curfew-last', visitor.cookie('curfew-last'));
      expect((await thief.get('/auth/login')).text).toContain(`value="${PERSON.username}"`);
      for (const path of ['/dashboard', '/profile', '/auth/login/totp', '/auth/login/enrolment'])
        expect((await thief.get(path)).location, path).toContain('/auth/login?reason=');
      clock.advance(181 * DAY_MS);
      expect((await thief.get('/auth/login')).text).not.toContain(PERSON.username);
    });

    it('stands beside when the next session ends, as the settings in force have it', async () => {
      const page = async () => (await createVisitor(server.origin).get('/auth/login')).text;
      const { policy } = server.infrastructure;
      const before = policy.current();
      for (const [cutoffTime, idleTimeoutMs, text] of [
        [
          { hour: 3, minute: 0 },
          8 * HOUR_MS,
          'You stay signed in until 03:00 IST at the latest, and not beyond 8 h without use.',
        ],
        [{ hour: 15, minute: 30 }, 'off', 'You stay signed in until 15:30 IST.'],
        ['off', 90 * MINUTE_MS, 'You stay signed in, but not beyond 1 h 30 min without use.'],
        ['off', 'off', 'You stay signed in until you sign out or close the browser.'],
      ] as const) {
        policy.replace({ cutoffTime, idleTimeoutMs });
        expect(await page()).toContain(text);
      }
      policy.replace(before);
    });
  });
});

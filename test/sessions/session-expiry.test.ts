import { request as rawRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { RevocationReason } from '../../src/core/revocation.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { openSideDoor, type SideDoor, type SignedIn } from './side-door.ts';

const MINUTE_MS = 60_000;
const ORIGIN = { actor: 'test' };
const HTML = { accept: 'text/html' };

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly cookies: readonly string[];
  readonly cacheControl: string | null;
  readonly text: string;
}

describe.each([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  ['Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('the check of every session on %s', (_name, settings) => {
  let clock: SettableClock;
  let server: TestServer;
  let door: SideDoor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { ...(await settings()), SESSION_IDLE_TIMEOUT: 'off' } });
    door = await openSideDoor(server);
  });
  afterEach(async () => {
    await door.close();
    await server.close();
  });

  async function ask(path: string, { cookie }: { cookie: string }, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(server.origin + path, {
      redirect: 'manual',
      ...init,
      headers: { ...HTML, cookie, ...(init.headers as Record<string, string> | undefined) },
    });
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      cookies: response.headers.getSetCookie(),
      cacheControl: response.headers.get('cache-control'),
      text: await response.text(),
    };
  }

  const staleOrders = async () =>
    (await server.infrastructure.database.db.selectFrom('revocations').select('scope').execute()).filter(
      ({ scope }) => scope.includes('"stale"'),
    ).length;

  describe('against the cutoff', () => {
    it.each([
      ['2026-11-24T02:59:59.999+05:30', 200],
      ['2026-11-24T03:00:00.000+05:30', 303],
      ['2026-11-25T01:00:00.000+05:30', 303],
    ])('of a login on Monday at 10:00, at %s, answers %d', async (now, status) => {
      const person = await door.signIn('asha');
      clock.set(now);
      const answer = await ask('/sessions', person);
      expect(answer.status).toBe(status);
      if (status === 303) expect(answer.location).toBe('/auth/login?reason=cutoff&returnTo=%2Fsessions');
    });

    it('of a login at 03:00 lets it pass until the next', async () => {
      clock.set('2026-11-24T03:00:00.000+05:30');
      const person = await door.signIn('asha');
      expect((await ask('/sessions', person)).status).toBe(200);
      clock.set('2026-11-25T02:59:59.999+05:30');
      expect((await ask('/sessions', person)).status).toBe(200);
      clock.set('2026-11-25T03:00:00.000+05:30');
      expect((await ask('/sessions', person)).status).toBe(303);
    });

    it('refuses a login of the future: a clock that was put back', async () => {
      const person = await door.signIn('asha');
      clock.advance(-2000);
      expect((await ask('/sessions', person)).status).toBe(200);
      clock.advance(-1);
      expect((await ask('/sessions', person)).status).toBe(303);
    });

    it('refuses a login of the future where there is no cutoff either, and orders nothing impossible', async () => {
      server.services.policy.replace({ cutoffTime: 'off', idleTimeoutMs: 'off' });
      const person = await door.signIn('asha');
      clock.advance(-MINUTE_MS);
      expect((await ask('/sessions', person)).status).toBe(303);
      clock.advance(MINUTE_MS);
      expect((await ask('/sessions', person)).status).toBe(303);
      expect(await server.services.revocation.revocations.countWaiting()).toBe(0);
      expect(server.logText()).not.toContain('"level":"error"');
    });

    it('follows a changed setting with the next request', async () => {
      const person = await door.signIn('asha');
      clock.advance(10 * MINUTE_MS);
      const { policy } = server.services;
      policy.replace({ ...policy.current(), cutoffTime: { hour: 10, minute: 5 } });
      expect((await ask('/sessions', person)).status).toBe(303);
    });

    it('ends what it finds, with all that this person had from before, in one order however many ask', async () => {
      const devices = [await door.signIn('asha'), await door.signIn('asha'), await door.signIn('asha')];
      clock.set('2026-11-24T03:00:00+05:30');
      const fresh = await door.signIn('asha');
      const answers = await Promise.all(
        [...devices, ...devices].flatMap((device) => [ask('/sessions', device), ask('/broker', device)]),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(303));
      expect(answers.every(({ location }) => location.includes('reason=cutoff'))).toBe(true);
      expect(await staleOrders()).toBe(1);
      expect((await server.services.sessions.lifecycle.devicesOf('asha')).map(({ sid }) => sid)).toEqual([
        fresh.sid,
      ]);
      expect((await ask('/sessions', fresh)).status).toBe(200);
    });

    it('clears the cookie, and lets nobody store the answer', async () => {
      const person = await door.signIn('asha');
      clock.set('2026-11-24T03:00:00+05:30');
      const answer = await ask('/sessions', person);
      expect(answer.cookies).toEqual([
        expect.stringMatching(/^curfew=; Path=\/; Expires=Thu, 01 Jan 1970.*HttpOnly/),
      ]);
      expect(answer.cacheControl).toBe('no-store');
    });

    it('does not carry out a form, and leads back to the page that it stood on', async () => {
      const person = await door.signIn('asha');
      const other = await door.signIn('asha');
      clock.set('2026-11-24T03:00:00+05:30');
      const fresh = await door.signIn('asha');
      const form = {
        method: 'POST',
        body: new URLSearchParams({ _csrf: person.csrfToken }),
        headers: { origin: server.origin, referer: `${server.origin}/sessions?page=2` },
      };
      const answer = await ask('/sessions/revocation', person, form);
      expect(answer.status).toBe(303);
      expect(answer.location).toBe('/auth/login?reason=cutoff&returnTo=%2Fsessions%3Fpage%3D2');
      expect((await ask('/sessions', fresh)).status).toBe(200);
      const foreign = { ...form, headers: { origin: server.origin, referer: 'https://evil.example/trap' } };
      expect((await ask('/sessions/revocation', other, foreign)).location).toBe('/auth/login?reason=cutoff');
    });
  });

  describe('of a session that is gone', () => {
    const REASONS: readonly (readonly [RevocationReason, string])[] = [
      ['logged_out', 'login_required'],
      ['logged_out_everywhere', 'revoked'],
      ['ended_by_owner', 'revoked'],
      ['ended_by_admin', 'revoked'],
      ['session_limit', 'revoked'],
      ['password_changed', 'revoked'],
      ['account_disabled', 'revoked'],
      ['idle', 'idle'],
    ];

    it.each(REASONS)('that ended as %s says %s', async (ending, reason) => {
      const person = await door.signIn('asha');
      await server.services.sessions.lifecycle.endAccount('asha', ending, ORIGIN);
      expect((await ask('/sessions', person)).location).toBe(
        `/auth/login?reason=${reason}&returnTo=%2Fsessions`,
      );
      const code = reason === 'login_required' ? 'login_required' : 'session_expired';
      expect(await door.who(person)).toMatchObject({
        status: 401,
        // A script of another tab may say that the person signed out.
        body: { status: 'error', error: code, reason: ending === 'logged_out' ? ending : reason },
      });
    });

    it('says that it was the cutoff, also when the sweep was there first', async () => {
      const person = await door.signIn('asha');
      clock.set('2026-11-24T03:00:00+05:30');
      await server.services.revocation.sweep.runIfDue();
      expect((await ask('/sessions', person)).location).toContain('reason=cutoff');
      expect((await door.who(person)).body).toMatchObject({ error: 'session_expired', reason: 'cutoff' });
    });

    it('says nothing of sessions to whom has none, a forged or a broken one', async () => {
      const person = await door.signIn('asha');
      const forged = person.cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
      for (const cookie of ['', 'curfew=', 'curfew=s%3A', 'curfew=x'.repeat(100), forged, 'other=1']) {
        const answer = await ask('/sessions', { cookie });
        expect(answer.location, cookie).toBe('/auth/login?reason=login_required&returnTo=%2Fsessions');
      }
    });
  });

  describe('sends', () => {
    const nobody = { cookie: '' };

    it('a person to the sign-in page, and a program 401 with the code', async () => {
      expect((await ask('/sessions', nobody)).status).toBe(303);
      for (const headers of [
        { accept: 'application/json' },
        { accept: '*/*' },
        { 'x-requested-with': 'XMLHttpRequest' },
        { 'content-type': 'application/json' },
      ]) {
        const answer = await ask('/sessions', nobody, { headers });
        expect(answer.status).toBe(401);
        expect(JSON.parse(answer.text)).toEqual({
          status: 'error',
          error: 'login_required',
          message: 'Sign in first.',
          reason: 'login_required',
        });
      }
    });

    it('back to a path of this origin only', async () => {
      expect((await ask('/symbols?q=INFY', nobody)).location).toBe(
        '/auth/login?reason=login_required&returnTo=%2Fsymbols%3Fq%3DINFY',
      );
      expect((await ask('/auth/logout', nobody)).location).toBe('/auth/login?reason=login_required');
      for (const path of ['//evil.example/x', '/\\evil.example', `http://evil.example/x`]) {
        const answer = await askRaw(path);
        expect(answer.status).toBe(303);
        expect(answer.location, path).not.toContain('returnTo');
      }
    });

    it('everything away that no rule lets through', async () => {
      const paths = [
        '/dashboard',
        '/dashboard/',
        '/Dashboard',
        '//dashboard',
        '/./dashboard',
        '/%64ashboard',
        '/API/v1/session',
        '/ASSETS/curfew.css',
        '/assetsx/curfew.css',
        '/auth/logout',
        '/auth/session',
        '/auth/session/',
        '/sandbox/authorize',
        '/sandbox/authorize/',
        '/healthz/x',
        '/.env',
        '/dashboard;x=1',
        '/dashboard%00',
        '/%',
        '/*',
        '/no-such-page',
      ];
      for (const path of paths) {
        const answer = await askRaw(path);
        expect(answer.status, path).toBe(303);
        expect(answer.location, path).toMatch(/^\/auth\/login\?reason=login_required/);
      }
    });

    it('nobody in by a way round through what is open', async () => {
      const paths = [
        '/assets/../dashboard',
        '/assets/%2e%2e/dashboard',
        '/assets/..%2fdashboard',
        '/assets/..%5cdashboard',
        '/api/../dashboard',
        '/healthz/../dashboard',
        '/auth/login/../../dashboard',
        '/auth/login/x',
        '/auth/broker/../../dashboard',
        '/sandbox/../dashboard',
        '/assets/../package.json',
        '/assets/%2e%2e/%2e%2e/etc/passwd',
        '/assets/....//package.json',
        '/assets//etc/passwd',
        '/assets/curfew.css/../../package.json',
      ];
      for (const path of paths) {
        const answer = await askRaw(path);
        expect([303, 404], path).toContain(answer.status);
        expect(answer.text, path).not.toMatch(/dependencies|root:|Signed in as/);
      }
    });

    function askRaw(path: string): Promise<{ status: number; location: string; text: string }> {
      const { hostname, port } = new URL(server.origin);
      return new Promise((resolve, reject) => {
        const request = rawRequest({ hostname, port, path, headers: HTML }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', text }),
          );
        });
        request.on('error', reject);
        request.end();
      });
    }
  });

  it('is not made for what is for anyone: a dead session is no obstacle there, and keeps its cookie', async () => {
    const person = await door.signIn('asha');
    clock.set('2026-11-24T03:00:00+05:30');
    for (const path of ['/', '/assets/curfew.css', '/healthz']) {
      const answer = await ask(path, person);
      expect(answer.status, path).toBe(200);
      expect(answer.cookies, path).toEqual([]);
    }
    expect(await staleOrders()).toBe(0);
  });

  it('keeps a live page out of every store', async () => {
    const person: SignedIn = await door.signIn('asha');
    const answer = await ask('/sessions', person);
    expect(answer.status).toBe(200);
    expect(answer.cacheControl).toBe('no-store');
    expect(answer.cookies).toEqual([]);
  });
});

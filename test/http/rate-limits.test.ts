import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { RATE_LIMIT_NAMES, RATE_LIMIT_TABLE } from '../../src/http/rate-limit-table.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

/** Lists nothing: the cheapest page that is guarded. */
const GUARDED = '/a-page-that-is-not-there';
const JSON_ONLY = { Accept: 'application/json' };

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(env: Readonly<Record<string, string>>, clock?: SettableClock): Promise<TestServer> {
  const server = await startTestServer({ env, ...(clock === undefined ? {} : { clock }) });
  servers.push(server);
  return server;
}

async function signedIn(server: TestServer): Promise<Visitor> {
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);
  return visitor;
}

async function statusesOf(times: number, ask: () => Promise<{ readonly status: number }>): Promise<number[]> {
  const statuses: number[] = [];
  for (let each = 0; each < times; each += 1) statuses.push((await ask()).status);
  return statuses;
}

/** What the cookie is signed for. */
const sessionIdOf = (visitor: Visitor): string =>
  decodeURIComponent(visitor.sessionCookie()).replace(/^s:/, '').split('.').slice(0, 4).join('.');

const limitedOf = (statuses: readonly number[]) => statuses.filter((status) => status === 429).length;

describe.each([
  ['in memory', async () => ({})],
  ['with Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('limits of people, %s', (_way, environment) => {
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    env = await environment();
  });

  test('hold for pages: so many are shown, the next is refused with when to come again', async () => {
    const server = await start({ ...env, PAGE_RATE_LIMIT: '6/minute' });
    const visitor = await signedIn(server);
    const first = await visitor.get(GUARDED);
    expect(first.status).toBe(404);
    expect(first.headers['ratelimit-policy']).toBe('"6/minute";q=6;w=60');
    expect(first.headers['ratelimit']).toMatch(/^"6\/minute";r=\d;t=\d+$/);
    const statuses = await statusesOf(12, () => visitor.get(GUARDED));
    expect(limitedOf(statuses)).toBeGreaterThanOrEqual(6);
    expect(statuses.at(-1)).toBe(429);

    const page = await visitor.get(`${GUARDED}?q=1`);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.headers['retry-after']).toMatch(/^\d+$/);
    expect(page.headers['ratelimit']).toMatch(/^"6\/minute";r=0;t=\d+$/);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.text).toContain('Too many requests');
    expect(page.text).toMatch(/Try again in \d+ seconds?\./);
    expect(page.text).toContain(`href="${GUARDED}?q=1"`);
    expect(page.text).toContain(page.headers['x-request-id']);

    const json = await visitor.get(GUARDED, JSON_ONLY);
    expect(json.status).toBe(429);
    expect(json.body).toMatchObject({ status: 'error', error: 'rate_limited' });
    expect(server.logText()).not.toContain('"level":50');
  });

  test('are one for each person, one for security pages and one for polling', async () => {
    const server = await start({
      ...env,
      PAGE_RATE_LIMIT: '4/minute',
      SECURITY_RATE_LIMIT: '3/minute',
      POLL_RATE_LIMIT: '5/minute',
    });
    const visitor = await signedIn(server);
    await statusesOf(6, () => visitor.get(GUARDED));
    expect((await visitor.get(GUARDED)).status).toBe(429);
    expect(await statusesOf(5, () => visitor.get('/auth/session', JSON_ONLY))).toEqual(Array(5).fill(200));
    expect((await visitor.get('/auth/session', JSON_ONLY)).status).toBe(429);
    const security = await statusesOf(5, () => visitor.get('/security/nothing'));
    expect(security).toEqual([404, 404, 404, 429, 429]);
  });

  test('keep nobody from signing out', async () => {
    const server = await start({ ...env, PAGE_RATE_LIMIT: '5/minute' });
    const visitor = await signedIn(server);
    const token = await visitor.csrfTokenOf('/dashboard');
    await statusesOf(8, () => visitor.get(GUARDED));
    expect((await visitor.get('/dashboard')).status).toBe(429);
    const out = await visitor.post('/auth/logout', { _csrf: token }, { Origin: server.origin });
    expect(out.status).toBe(303);
    expect(out.location).toBe('/auth/login?reason=logged_out');
  });

  test('turn a form away unread, and say that it is not lost', async () => {
    const server = await start({ ...env, PAGE_RATE_LIMIT: '5/minute' });
    const visitor = await signedIn(server);
    await statusesOf(8, () => visitor.get(GUARDED));
    const headers = { Origin: server.origin, Referer: `${server.origin}/settings?x=1` };
    const answer = await visitor.post('/settings', { theme: 'dark' }, headers);
    expect(answer.status).toBe(429);
    expect(answer.text).toContain('What you typed is not lost');
    expect(answer.text).toContain('href="/settings?x=1"');
    const elsewhere = { Origin: server.origin, Referer: 'https://evil.example/settings' };
    expect((await visitor.post('/settings', {}, elsewhere)).text).not.toContain('evil.example');
  });

  test('refuse before anybody asks the session store', async () => {
    const server = await start({ ...env, PAGE_RATE_LIMIT: '4/minute' });
    const visitor = await signedIn(server);
    await statusesOf(6, () => visitor.get(GUARDED));
    const { activeStore, passiveStore } = server.infrastructure.sessionStorage;
    const asked = [vi.spyOn(activeStore, 'get'), vi.spyOn(passiveStore, 'get')];
    expect((await visitor.get(GUARDED)).status).toBe(429);
    expect((await visitor.post('/settings', { theme: 'dark' })).status).toBe(429);
    for (const get of asked) expect(get).not.toHaveBeenCalled();
    await visitor.get('/auth/session', JSON_ONLY);
    expect(asked.some((get) => get.mock.calls.length > 0)).toBe(true);
  });

  test('are refused without moving the idle clock', async () => {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const server = await start({ ...env, PAGE_RATE_LIMIT: '4/minute', SESSION_IDLE_TIMEOUT: '30m' }, clock);
    const visitor = await signedIn(server);
    await statusesOf(6, () => visitor.get(GUARDED));
    await server.services.registry.flush({ all: true });
    const sid = sessionIdOf(visitor);
    const before = await server.services.registry.lastSeen(sid);
    expect(before).toBeDefined();
    clock.advance(20 * 60_000);
    expect((await visitor.get(GUARDED)).status).toBe(429);
    await server.services.registry.flush({ all: true });
    expect(await server.services.registry.lastSeen(sid)).toBe(before);
  });
});

describe('limits of strangers', () => {
  const TRUSTED = { TRUST_PROXY: '127.0.0.1' };
  const from = (address: string) => ({ 'X-Forwarded-For': address });

  test('hold for an address, and for the /64 of an IPv6 one, whatever page is asked for', async () => {
    const server = await start({ ...TRUSTED, PUBLIC_RATE_LIMIT: '4/minute' });
    const ask = (path: string, address: string) => createVisitor(server.origin).get(path, from(address));
    const statuses: number[] = [];
    for (const path of ['/', '/auth/login', '/dashboard', '/nothing', '/', '/dashboard'])
      statuses.push((await ask(path, '203.0.113.9')).status);
    expect(statuses.slice(4)).toEqual([429, 429]);
    expect(limitedOf(statuses)).toBe(2);
    expect((await ask('/', '203.0.113.10')).status).not.toBe(429);

    await statusesOf(4, () => ask('/', '2001:db8::1'));
    expect((await ask('/', '2001:db8::ffff')).status).toBe(429);
    expect((await ask('/', '2001:db8:0:1::1')).status).not.toBe(429);
  });

  test('leave alone whoever is signed in at the same address', async () => {
    const server = await start({ PUBLIC_RATE_LIMIT: '12/minute' });
    const visitor = await signedIn(server);
    await statusesOf(15, () => createVisitor(server.origin).get('/'));
    expect((await createVisitor(server.origin).get('/')).status).toBe(429);
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test('slow the sign-in page down and never refuse it, whatever a neighbour asked for', async () => {
    const server = await start({ PUBLIC_RATE_LIMIT: '12/minute' });
    await signedIn(server);
    const flood = await Promise.all(
      Array.from({ length: 40 }, () => createVisitor(server.origin).get('/auth/login')),
    );
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([200]));

    const startedAt = performance.now();
    await signIn(createVisitor(server.origin));
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    const page = await createVisitor(server.origin).get('/dashboard');
    expect(page.status).toBe(429);
    expect(page.text).toContain('href="/auth/login');
  });

  test('slow the sign-in page down for a browser whose session has ended, too', async () => {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const server = await start({ PUBLIC_RATE_LIMIT: '12/minute' }, clock);
    const visitor = await signedIn(server);
    await statusesOf(15, () => createVisitor(server.origin).get('/'));
    clock.advance(24 * 3_600_000);
    expect((await visitor.get('/auth/login?reason=cutoff')).status).toBe(200);
  });

  test('are not passed by by claiming to be somebody, and nobody is harmed by it', async () => {
    const server = await start({ PUBLIC_RATE_LIMIT: '12/minute', PAGE_RATE_LIMIT: '8/minute' });
    const visitor = await signedIn(server);
    const [, userId] = sessionIdOf(visitor).split('.');
    const liar = createVisitor(server.origin);
    liar.useSessionCookie(`s%3As.${userId}.abc.AAAA.bm90IHNpZ25lZA`);
    const statuses = await statusesOf(30, () => liar.get(GUARDED));
    expect(limitedOf(statuses)).toBeGreaterThanOrEqual(18);
    expect((await visitor.get(GUARDED)).status).toBe(404);
  });

  test('hold for what is answered before the session as well, whoever it claims to be of', async () => {
    const server = await start({ PUBLIC_RATE_LIMIT: '4/minute' });
    const ask = (init: RequestInit) =>
      statusesOf(3, () =>
        fetch(`${server.origin}/auth/login`, { headers: { Cookie: 'curfew=s%3As.somebody.x' }, ...init }),
      );
    expect(await ask({ method: 'OPTIONS' })).toEqual([204, 204, 204]);
    const headers = { Cookie: 'curfew=s%3As.somebody.x', Origin: 'https://elsewhere.example' };
    expect(await ask({ method: 'POST', headers })).toEqual([403, 429, 429]);
    expect(await ask({ method: 'OPTIONS' })).toEqual([429, 429, 429]);
  });

  test('hold for programs without a good key, for what nobody answers, and for the practice broker', async () => {
    const server = await start({ ...TRUSTED, PROGRAM_RATE_LIMIT: '3/minute' });
    const ask = (path: string, address: string, headers = {}) =>
      createVisitor(server.origin).get(path, { ...JSON_ONLY, ...from(address), ...headers });
    const cases: readonly (readonly [string, number])[] = [
      ['/api/v1/session', 401],
      ['/api/v1/nothing', 404],
      ['/api/v1/openapi.json', 200],
      ['/api', 200],
      ['/assets/nothing.css', 404],
      ['/sandbox/nothing', 404],
    ];
    for (const [index, [path, status]] of cases.entries()) {
      const statuses = await statusesOf(5, () => ask(path, `203.0.113.${index}`));
      expect([path, ...statuses]).toEqual([path, status, status, status, 429, 429]);
    }
    const webhook = () =>
      createVisitor(server.origin).post(
        '/api/v1/webhooks/unknown',
        {},
        { ...JSON_ONLY, ...from('203.0.113.90') },
      );
    expect(await statusesOf(4, webhook)).toEqual([404, 404, 404, 429]);
  });

  test('never hold for health probes and static files', async () => {
    const server = await start({
      PUBLIC_RATE_LIMIT: '1/minute',
      PROGRAM_RATE_LIMIT: '1/minute',
      PAGE_RATE_LIMIT: '1/minute',
    });
    const stranger = createVisitor(server.origin);
    for (const path of ['/healthz', '/readyz', '/assets/curfew.css']) {
      expect(limitedOf(await statusesOf(20, () => stranger.get(path)))).toBe(0);
      expect((await stranger.get(path)).headers['ratelimit']).toBeUndefined();
    }
  });

  test('are counted where Prometheus finds them', async () => {
    const server = await start({ PUBLIC_RATE_LIMIT: '2/minute' });
    await statusesOf(5, () => createVisitor(server.origin).get('/'));
    const { text } = await createVisitor(server.origin).get('/metrics');
    expect(text).toContain('curfew_rate_limited_total{limit="public"} 3');
    expect(text).toContain('curfew_rate_limited_total{limit="pages"} 0');
  });
});

describe('two nodes', () => {
  let shared: Readonly<Record<string, string>>;
  beforeAll(async () => {
    shared = {
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
      DATABASE_URL: await createPostgresDatabase(),
      PAGE_RATE_LIMIT: '60/minute',
      PUBLIC_RATE_LIMIT: '60/minute',
    };
  });

  test('share a limit, with no more over it than is promised', async () => {
    const [one, other] = [await start(shared), await start(shared)];
    const visitor = await signedIn(one);
    const elsewhere = createVisitor(other.origin);
    elsewhere.useSessionCookie(visitor.sessionCookie());
    let shown = 0;
    const ask = async (who: Visitor): Promise<Answer> => {
      const answer = await who.get(GUARDED);
      if (answer.status === 404) shown += 1;
      return answer;
    };
    for (let each = 0; each < 60; each += 1) {
      await ask(visitor);
      await ask(elsewhere);
    }
    expect(shown).toBeGreaterThanOrEqual(50);
    // A tenth of the limit for each node, and what came within a round trip.
    expect(shown).toBeLessThanOrEqual(60 + 2 * 6 + 4);
    await eventually(async () => {
      expect((await ask(visitor)).status).toBe(429);
      expect((await ask(elsewhere)).status).toBe(429);
    });
  });
});

test('the table in docs/limits.md is the table of the code', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/limits.md'), 'utf8');
  for (const name of RATE_LIMIT_NAMES) {
    const { requests, countedBy, setting, usual } = RATE_LIMIT_TABLE[name];
    expect(text).toContain(`| ${requests} | ${countedBy} | \`${setting}\` | ${usual} |`);
  }
});

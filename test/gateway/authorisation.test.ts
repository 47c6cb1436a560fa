import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiScope } from '../../src/api/api-scope.ts';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const RULES = `rules:
  - { name: health, host: tool.desk.test, path: /health, who: public }
  - { name: fresh, host: tool.desk.test, path: /orders, who: signed-in, fresh: 10 }
  - { name: admins, host: tool.desk.test, path: /admin, who: { roles: [admin] } }
  - { name: ravi, host: tool.desk.test, path: /ravi, who: { people: [RAVI] } }
  - { name: readers, host: tool.desk.test, path: /read, methods: [GET, HEAD], who: signed-in }
  - { name: quiet, host: tool.desk.test, path: /poll, who: signed-in, activity: false }
  - { name: tool, host: tool.desk.test, path: /app, who: signed-in }
`;
const START = '2026-11-26T10:00:00+05:30';
const SESSION_ENDS = Date.parse('2026-11-27T03:00:00+05:30') / 1000;

describe('The questions of proxies', () => {
  let rules: RulesFile;
  let clock: SettableClock;
  let server: TestServer;
  let asha: Visitor;
  let stranger: Visitor;

  const nginx = (visitor: Visitor, path: string, more: Readonly<Record<string, string>> = {}) =>
    visitor.get('/authz/nginx', {
      'X-Original-URL': `http://tool.desk.test${path}`,
      'X-Original-Method': 'GET',
      ...more,
    });
  const forward = (visitor: Visitor, path: string, more: Readonly<Record<string, string>> = {}) =>
    visitor.get('/authz/forward', {
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'tool.desk.test',
      'X-Forwarded-Uri': path,
      ...more,
    });
  const ext = (visitor: Visitor, path: string, more: Readonly<Record<string, string>> = {}) =>
    visitor.get(`/authz/ext${path}`, { Host: 'tool.desk.test', 'X-Forwarded-Proto': 'http', ...more });

  beforeAll(() => {
    rules = createRulesFile(RULES);
  });
  afterAll(() => rules.remove());

  beforeEach(async () => {
    clock = createSettableClock(START);
    server = await startTestServer({
      clock,
      env: { GATEWAY_RULES: rules.path, TRUST_PROXY: '127.0.0.1' },
    });
    asha = createVisitor(server.origin);
    stranger = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    return () => server.close();
  });

  const WAYS = { nginx, forward, ext } as const;

  it.each(Object.entries(WAYS))('are answered with 200 and the identity: %s', async (_name, ask) => {
    const answer = await ask(asha, '/app/page?x=1');
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'remote-user': 'asha',
      'remote-groups': 'admin',
      'remote-email': PERSON.email,
      'x-curfew-session-ends': String(SESSION_ENDS),
      'cache-control': 'no-store',
    });
    expect(answer.headers['set-cookie']).toBeUndefined();
    const { body } = await stranger.get('/.well-known/jwks.json');
    const { payload } = await jwtVerify(
      answer.headers['x-curfew-identity'] ?? '',
      createLocalJWKSet(body as JSONWebKeySet),
      { issuer: server.origin, audience: 'http://tool.desk.test', currentDate: new Date(clock.now()) },
    );
    expect(payload).toMatchObject({
      preferred_username: 'asha',
      groups: ['admin'],
      session_ends: SESSION_ENDS,
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(60);
  });

  it('lead a stranger to the sign-in page and back', async () => {
    const back = encodeURIComponent('http://tool.desk.test/app/page?x=1');
    const login = `${server.origin}/auth/login?reason=login_required&returnTo=${encodeURIComponent(`/gateway/return?to=${back}`)}`;
    const byNginx = await nginx(stranger, '/app/page?x=1');
    expect([byNginx.status, byNginx.location]).toEqual([401, login]);
    for (const ask of [forward, ext]) {
      const answer = await ask(stranger, '/app/page?x=1');
      expect([answer.status, answer.location]).toEqual([303, login]);
    }
    const returnTo = new URL(login).searchParams.get('returnTo') ?? '';
    const signedIn = await stranger.submit(
      '/auth/login',
      { ...PERSON, returnTo },
      login.slice(server.origin.length),
    );
    expect([signedIn.status, signedIn.location]).toEqual([303, returnTo]);
    const page = await stranger.get(returnTo);
    expect(page.status).toBe(200);
    expect(page.headers['refresh']).toBe('0; url=http://tool.desk.test/app/page?x=1');
  });

  it.each([
    ['a script', { Accept: 'application/json' }],
    ['a fetch of a page', { 'Sec-Fetch-Mode': 'cors' }],
    ['a socket', { 'Sec-WebSocket-Key': 'x', Upgrade: 'websocket' }],
    ['a form', { 'X-Forwarded-Method': 'POST' }],
  ])('answer %s of a stranger with JSON', async (_what, headers) => {
    const answer = await forward(stranger, '/app', headers);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ status: 'error', error: 'login_required', reason: 'login_required' });
  });

  it('come back to no other place', async () => {
    for (const to of [
      'http://evil.test/',
      'https://tool.desk.test/',
      'http://tool.desk.test.evil.test/',
      'http://tool.desk.test@evil.test/',
      'http://tool.desk.test:81/',
      'javascript:alert(1)',
      '//tool.desk.test',
      '',
    ]) {
      const answer = await asha.get(`/gateway/return?to=${encodeURIComponent(to)}`);
      expect(answer.status, to).toBe(400);
      expect(answer.headers['refresh'] ?? '').not.toContain('url');
    }
  });

  it('are decided by the rules, the first of which counts, and by none to deny', async () => {
    const statuses = async (visitor: Visitor, path: string, more = {}) =>
      Promise.all([nginx, forward, ext].map(async (ask) => (await ask(visitor, path, more)).status));
    expect(await statuses(stranger, '/health')).toEqual([200, 200, 200]);
    expect(await statuses(asha, '/admin/x')).toEqual([200, 200, 200]);
    expect(await statuses(asha, '/ravi')).toEqual([403, 403, 403]);
    expect(await statuses(asha, '/nothing')).toEqual([403, 403, 403]);
    expect(await statuses(asha, '/app/%2e%2e/ravi')).toEqual([403, 403, 403]);
    expect((await nginx(asha, '/read', { 'X-Original-Method': 'DELETE' })).status).toBe(403);
    expect((await nginx(asha, '/app', { 'X-Original-URL': 'http://other.test/app' })).status).toBe(403);
    const page = await forward(asha, '/ravi');
    expect(page.text).toContain('does not name you or your role');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('give a public rule no identity, whoever asks', async () => {
    expect((await nginx(asha, '/health')).headers).not.toHaveProperty('remote-user');
  });

  it('ask for the password again where the rule says so', async () => {
    expect((await nginx(asha, '/orders')).status).toBe(200);
    clock.advance(10 * 60_000);
    const answer = await nginx(asha, '/orders?id=7');
    expect(answer.status).toBe(401);
    const url = new URL(answer.location);
    expect(url.pathname).toBe('/auth/confirm');
    const confirmed = await asha.submit('/auth/confirm', {
      password: PERSON.password,
      returnTo: url.searchParams.get('returnTo') ?? '',
    });
    expect(confirmed.location).toBe(url.searchParams.get('returnTo'));
    expect((await nginx(asha, '/orders?id=7')).status).toBe(200);
    clock.advance(-60_000 * 60);
    expect((await nginx(asha, '/orders')).status).toBe(401);
  });

  it('say why a session is over, and end what is past the cutoff', async () => {
    clock.set('2026-11-27T03:00:00+05:30');
    const answer = await forward(asha, '/app', { Accept: 'application/json' });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: 'session_expired', reason: 'cutoff' });
    expect(new URL((await nginx(asha, '/app')).location).searchParams.get('reason')).toBe('cutoff');
    expect(
      await server.services.registry.listByUser((await server.services.users.list())[0]?.id ?? ''),
    ).toEqual([]);
  });

  it('are refused once the session is signed out', async () => {
    expect((await nginx(asha, '/app')).status).toBe(200);
    const cookie = asha.sessionCookie();
    await asha.submit('/auth/logout');
    asha.useSessionCookie(cookie);
    expect((await nginx(asha, '/app')).status).toBe(401);
  });

  it('keep the session from becoming idle, but not under a rule without activity', async () => {
    for (let minutes = 0; minutes < 60; minutes += 20) {
      clock.advance(20 * 60_000);
      expect((await nginx(asha, '/app')).status).toBe(200);
    }
    clock.advance(20 * 60_000);
    expect((await nginx(asha, '/poll')).status).toBe(200);
    clock.advance(11 * 60_000);
    const answer = await nginx(asha, '/poll');
    expect([answer.status, new URL(answer.location).searchParams.get('reason')]).toEqual([401, 'idle']);
  });

  it('are answered for programs with an API key of the scope, and for no other', async () => {
    const { apiKeys } = server.services.api;
    const userId = (await server.services.users.list())[0]?.id ?? '';
    const keyFor = async (scope: ApiScope): Promise<string> => {
      const wish = {
        name: scope,
        scopes: [scope],
        addresses: { primary: undefined, secondary: undefined },
        expiresAt: undefined,
      };
      const made = await apiKeys.create(userId, wish, { actor: 'test' });
      if (made.kind !== 'created') throw new Error(made.kind);
      return made.secret;
    };
    const [good, other] = [await keyFor('gateway:access'), await keyFor('feed:read')];
    const ask = (key: string, path = '/app') =>
      forward(stranger, path, { Authorization: `Bearer ${key}`, Accept: 'application/json' });
    const answer = await ask(good, '/app?token=of-the-tool');
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'remote-user': 'asha' });
    expect(answer.headers).not.toHaveProperty('x-curfew-session-ends');
    expect((await ask(other)).status).toBe(403);
    expect((await ask(`${good}x`)).status).toBe(401);
    // A person must enter a password there, which a program cannot.
    expect((await ask(good, '/orders')).status).toBe(403);
    // A token of the tool's own is no key.
    expect((await ask('eyJhbGciOi')).body).toMatchObject({ error: 'login_required' });
  });

  it('are refused with words where the proxy sends too little, said once in the log', async () => {
    for (let times = 0; times < 3; times += 1) {
      const answer = await asha.get('/authz/nginx', { 'X-Original-URL': 'http://tool.desk.test/app' });
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('X-Original-Method');
    }
    expect(server.logText().match(/does not send X-Original-Method/g)).toHaveLength(1);
    for (const headers of [
      { 'X-Original-URL': 'tool.desk.test/app', 'X-Original-Method': 'GET' },
      { 'X-Original-URL': 'http://a.test, http://b.test/', 'X-Original-Method': 'GET' },
      { 'X-Original-URL': 'http://tool.desk.test/app', 'X-Original-Method': 'GET, POST' },
      { 'X-Original-URL': 'ftp://tool.desk.test/app', 'X-Original-Method': 'GET' },
    ])
      expect((await asha.get('/authz/nginx', headers)).status).toBe(400);
  });
});

describe('Questions', () => {
  it.each([
    ['without TRUST_PROXY', { GATEWAY_RULES: 'x' }, 'TRUST_PROXY'],
    ['while the gateway is off', { TRUST_PROXY: '127.0.0.1' }, 'GATEWAY_RULES'],
  ])('are refused %s', async (_when, env, words) => {
    const rules = createRulesFile(RULES);
    const settings = 'GATEWAY_RULES' in env ? { GATEWAY_RULES: rules.path } : env;
    const server = await startTestServer({ env: settings });
    try {
      const visitor = createVisitor(server.origin);
      await setUp(visitor);
      await signIn(visitor);
      const answer = await visitor.get('/authz/nginx', {
        'X-Original-URL': 'http://tool.desk.test/health',
        'X-Original-Method': 'GET',
      });
      expect([answer.status, answer.headers['remote-user']]).toEqual([403, undefined]);
      expect(answer.text + server.logText()).toContain(words);
    } finally {
      await server.close();
      rules.remove();
    }
  });
});

describe('The keys of the identity', () => {
  it('are those of all encryption keys, of which the newest signs', async () => {
    const newer = 'b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXkhISE=';
    const before = await startTestServer();
    const after = await startTestServer({
      env: { ENCRYPTION_KEY: `${newer},${TEST_SECRETS.ENCRYPTION_KEY}` },
    });
    const keysOf = async ({ origin }: TestServer) =>
      ((await createVisitor(origin).get('/.well-known/jwks.json')).body as JSONWebKeySet).keys;
    const [old, [first, second]] = [await keysOf(before), await keysOf(after)];
    expect(old).toEqual([second]);
    expect(first).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' });
    expect(JSON.stringify([first, second])).not.toContain('"d"');
    await Promise.all([before.close(), after.close()]);
  });
});

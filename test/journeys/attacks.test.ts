import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

describe('an attacker', () => {
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    server = await startTestServer({ clock: createSettableClock('2026-11-23T10:00:00+05:30') });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
  });
  afterEach(() => server.close());

  const credentials = { username: PERSON.username, password: PERSON.password };

  test('who planted a session id does not get the session that is signed in with it', async () => {
    await visitor.get('/auth/login');
    const planted = visitor.sessionCookie();
    await signIn(visitor);
    expect(visitor.sessionCookie()).not.toBe(planted);

    const attacker = createVisitor(server.origin);
    attacker.useSessionCookie(planted);
    expect((await attacker.get('/dashboard')).location).toBe(
      '/auth/login?reason=login_required&returnTo=%2Fdashboard',
    );
  });

  test('who forges a cookie is nobody', async () => {
    await signIn(visitor);
    const attacker = createVisitor(server.origin);
    attacker.useSessionCookie(visitor.sessionCookie().replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
    expect((await attacker.get('/dashboard')).status).toBe(303);
  });

  test.each([
    ['without a token', () => Promise.resolve('')],
    ['with a made-up token', () => Promise.resolve('p1JGxJ2m-UqWm2lO1vZ1u1Yj1x6c1Z4w1x')],
    [
      "with another session's token",
      async () => {
        const other = createVisitor(server.origin);
        return other.csrfTokenOf('/auth/login');
      },
    ],
  ])('cannot send a form %s', async (_name, token) => {
    await signIn(visitor);
    const answer = await visitor.post(
      '/sessions/revocation',
      { _csrf: await token() },
      { Origin: server.origin },
    );
    expect(answer.status).toBe(403);
    const json = await visitor.post(
      '/auth/logout',
      { _csrf: await token() },
      { Origin: server.origin, Accept: 'application/json' },
    );
    expect(json.status).toBe(403);
    expect(json.body).toMatchObject({ status: 'error', error: 'csrf' });
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test('cannot pass the token in the address', async () => {
    await signIn(visitor);
    const token = await visitor.csrfTokenOf('/dashboard');
    const answer = await visitor.post(
      `/auth/logout?_csrf=${encodeURIComponent(token)}`,
      {},
      { Origin: server.origin },
    );
    expect(answer.status).toBe(403);
  });

  test.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])('on another site cannot send a form even with the right token: %o', async (headers) => {
    await signIn(visitor);
    const _csrf = await visitor.csrfTokenOf('/dashboard');
    const answer = await visitor.post('/auth/logout', { _csrf }, headers as Record<string, string>);
    expect(answer.status).toBe(403);
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test('makes nobody type their username twice: a stale sign-in form comes back with a good token', async () => {
    await visitor.get('/auth/login');
    const stale = await visitor.post(
      '/auth/login',
      { ...credentials, _csrf: 'stale' },
      { Origin: server.origin },
    );
    expect(stale.status).toBe(403);
    expect(stale.text).toContain(`value="${PERSON.username}"`);
    expect(stale.text).not.toContain(PERSON.password);
    const _csrf = /name="_csrf" value="([^"]+)"/.exec(stale.text)?.[1] ?? '';
    expect(
      (await visitor.post('/auth/login', { ...credentials, _csrf }, { Origin: server.origin })).status,
    ).toBe(303);
  });

  test('cannot log anybody out with a link', async () => {
    await signIn(visitor);
    const page = await visitor.get('/auth/logout');
    expect(page.status).toBe(200);
    expect(page.text).toContain('method="post"');
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test.each([
    '//evil.example',
    '/\\evil.example',
    'https:evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/dashboard\r\nSet-Cookie: a=b',
    '/%09//evil.example/..//x\n',
  ])('cannot lead anybody elsewhere after signing in: %j', async (returnTo) => {
    const answer = await visitor.submit('/auth/login', { ...credentials, returnTo });
    expect(answer.status).toBe(303);
    expect(answer.location).toMatch(/^\/(dashboard|%09)/);
    expect(answer.headers['set-cookie']).not.toContain('a=b');
  });

  test('cannot choose the address that Curfew writes down', async () => {
    const headers = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Proto': 'https',
      Forwarded: 'for=203.0.113.9',
    };
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    await visitor.post(
      '/auth/login',
      { ...credentials, password: 'wrong-password', _csrf },
      { ...headers, Origin: server.origin },
    );
    const row = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select('address')
      .where('type', '=', 'login.failed')
      .executeTakeFirst();
    expect(row?.address).toBe('127.0.0.1');
  });

  test.each([
    ['application/json', '{"username": "asha", "password": "s3cret-in-a-broken-body"', 400],
    ['application/json', `{"password":"s3cret-in-a-huge-body${'x'.repeat(40_000)}"}`, 413],
    ['application/json; charset=x-klingon', '{"password":"s3cret-in-klingon"}', 415],
    ['application/x-www-form-urlencoded', `password=s3cret-in-a-huge-form${'x'.repeat(40_000)}`, 413],
  ])('cannot put a secret into the log with a bad body of %s', async (type, body, status) => {
    const response = await fetch(`${server.origin}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body,
    });
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(text + server.logText()).not.toContain('s3cret');
  });

  test('learns nothing from wrong-typed fields', async () => {
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    const form = await visitor.post(
      '/auth/login',
      { 'username[]': 'a', 'password[x]': 'b', _csrf },
      { Origin: server.origin },
    );
    expect([400, 401]).toContain(form.status);
  });

  test('hears the same of an unknown person and of a wrong password', async () => {
    const attempts = [
      { username: 'nobody', password: 'wrong-password' },
      { username: PERSON.username, password: 'wrong-password' },
    ];
    const answers = [];
    for (const attempt of attempts) answers.push(await visitor.submit('/auth/login', attempt));
    expect(answers.map((answer) => answer.status)).toEqual([401, 401]);
    const [unknown, known] = answers.map((answer, index) =>
      answer.text
        .replaceAll(attempts[index]?.username ?? '', 'NAME')
        .replaceAll(/value="[\w-]+"/g, 'value="…"'),
    );
    expect(unknown).toBe(known);
  });

  test('finds only guarded addresses', async () => {
    for (const path of [
      '/nowhere',
      '/security',
      '/users',
      '/API/v1/x',
      '/dashboard/',
      '/assets/../dashboard',
      '/.env',
    ]) {
      const response = await fetch(`${server.origin}${path}`, {
        redirect: 'manual',
        headers: { Accept: 'text/html' },
      });
      expect([303, 404], path).toContain(response.status);
      expect(await response.text()).not.toContain('Sign out');
    }
  });

  test('gets 405 with Allow for a method that a page does not take', async () => {
    await signIn(visitor);
    const answer = await visitor.post(
      '/dashboard',
      { _csrf: await visitor.csrfTokenOf('/dashboard') },
      { Origin: server.origin },
    );
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD');
  });

  test('cannot end a device of somebody else', async () => {
    await signIn(visitor);
    const { users } = server.services.accounts;
    const passwordHash = await server.services.accounts.hasher.hash(PERSON.password);
    await users.createUser({ username: 'ravi', email: 'ravi@example.org', passwordHash, role: 'user' });
    const ravi = createVisitor(server.origin);
    await signIn(ravi, { username: 'ravi', password: PERSON.password });

    const asha = await users.findByUsername('asha');
    const [device] = await server.services.registry.listByUser(asha?.id ?? '');
    const answer = await ravi.submit(`/sessions/${device?.deviceId}/revocation`, {}, '/sessions');
    expect(answer.status).toBe(404);
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });
});

describe('an answer', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer({ env: { BASE_URL: 'https://curfew.example.org' } });
  });
  afterEach(() => server.close());

  test('under https carries HSTS and a Secure, HttpOnly, Lax __Host- cookie that ends with the browser', async () => {
    const response = await fetch(`${server.origin}/setup`);
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^__Host-curfew=/);
    for (const attribute of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'])
      expect(cookie).toContain(attribute);
    for (const attribute of ['Domain', 'Expires', 'Max-Age']) expect(cookie).not.toContain(attribute);
    expect(response.headers.get('strict-transport-security')).toBe('max-age=31536000');
  });

  test('carries a strict policy and no inline code', async () => {
    const response = await fetch(`${server.origin}/setup`, { headers: { Accept: 'text/html' } });
    const policy = response.headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|nonce/);
    // Some brokers' login pages redirect among their own hosts, and a browser holds form-action through all of that.
    expect(policy.replace(/form-action [^;]*/, '')).not.toContain('*');
    const page = await response.text();
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('about a guarded page is not stored anywhere', async () => {
    const response = await fetch(`${server.origin}/dashboard`, { redirect: 'manual' });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});

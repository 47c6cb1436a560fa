import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, keptFormIn, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const FORMS = [
  '/api-keys/new',
  '/broker/zerodha/credentials',
  '/strategies/new',
  '/users/new',
  '/users/ID/disabling',
  '/users/ID/enabling',
  '/users/ID/password',
  '/users/ID/role',
  '/security/sessions/revocation',
  '/security/sessions/ID/revocation',
  '/security/sessions/ID/x/revocation',
  '/security/bans/new',
  '/security/bans/import',
  '/security/bans/ID/lifting',
  '/security/allow-list',
  '/security/allow-list/removal?block=x',
  '/security/thresholds',
];
const ACTS = [
  ['/api-keys', '/api-keys'],
  ['/broker/zerodha/credentials/removal', '/broker'],
  ['/telegram/bot', '/telegram'],
  ['/telegram/bot/removal', '/telegram'],
  ['/telegram/chat', '/telegram'],
  ['/telegram/chat/detection', '/telegram'],
  ['/api-keys/x/addresses', '/api-keys'],
  ['/api-keys/everybody/x/address-release', '/api-keys/everybody'],
  ['/strategies', '/strategies/new'],
  ['/strategies/x/activation', '/strategies'],
  ['/strategies/x/webhook', '/strategies'],
  ['/strategies/x/signing-secret', '/strategies'],
  ['/strategies/x/signing-secret/removal', '/strategies'],
  ['/strategies/x/allowed-addresses', '/strategies'],
  ['/sessions/revocation', '/sessions'],
  ['/sessions/x/revocation', '/sessions'],
  ['/users', '/users'],
  ['/security/bans', '/security/bans'],
  ['/security/thresholds/alerts', '/dashboard'],
  ...FORMS.filter((path) =>
    /\/ID|revocation|import|removal|thresholds|allow-list|credentials/.test(path),
  ).map((path) => [path.split('?')[0] ?? path, '/dashboard'] as const),
] as const;

describe('a proof of who it is', () => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let visitor: Visitor;
  let ownId: string;
  let otherId: string;

  beforeAll(async () => {
    server = await startTestServer({
      clock,
      env: { SESSION_IDLE_TIMEOUT: '8h', SESSION_EXPIRY_TIME: 'off' },
    });
    await setUp(createVisitor(server.origin));
    ownId = (await server.services.accounts.userAdmin.list())[0]?.id ?? '';
    const made = await server.services.accounts.userAdmin.create(
      { username: 'ravi', email: 'r@example.org', role: 'user', password: 'long-quiet-evening-77' },
      { actor: 'test' },
    );
    otherId = made.kind === 'created' ? made.user.id : '';
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    await server.services.sessions.lifecycle.endAccount(ownId, 'logged_out', { actor: 'test' });
    clock.advance(1000);
    visitor = createVisitor(server.origin);
    await signIn(visitor);
  });

  const confirm = (password: string, returnTo = '/users/new') =>
    visitor.submit('/auth/confirm', { password, returnTo }, '/auth/confirm');
  const recorded = async (type: string) =>
    (
      await server.infrastructure.database.db
        .selectFrom('audit_log')
        .selectAll()
        .where('type', '=', type)
        .execute()
    ).length;

  it.each(FORMS)('%s is shown to whoever has just signed in, and asks ten minutes later', async (form) => {
    const path = form.replace('ID', otherId);
    clock.advance(10 * MINUTE_MS - 1);
    expect((await visitor.get(path)).location).not.toContain('/auth/confirm');
    clock.advance(1);
    const asked = await visitor.get(path);
    expect(asked.status).toBe(303);
    expect(asked.location).toBe(`/auth/confirm?${new URLSearchParams({ returnTo: path })}`);
    expect((await confirm(PERSON.password, path)).location).toBe(path);
    expect((await visitor.get(path)).location).not.toContain('/auth/confirm');
  });

  it.each(ACTS)('%s does nothing half an hour after the last proof', async (act, page) => {
    const path = act.replace('ID', otherId);
    const token = await visitor.csrfTokenOf('/settings');
    const headers = { Origin: server.origin, Referer: server.origin + page };
    clock.advance(30 * MINUTE_MS);
    const asked = await visitor.post(path, { _csrf: token }, headers);
    expect(asked.status).toBe(403);
    expect(asked.text).toContain(`name="returnTo" value="${page}"`);
    expect(asked.text).toMatch(/<strong>[A-Z][^<]+<\/strong>: not done yet/);
    const script = await visitor.post(path, { _csrf: token }, { ...headers, Accept: 'application/json' });
    expect(script.status).toBe(403);
    expect(script.body).toMatchObject({ error: 'forbidden' });
    await confirm(PERSON.password);
    expect(keptFormIn(await visitor.post(path, { _csrf: token }, headers))).toBeUndefined();
  });

  it('lasts long enough for a form that was opened in time', async () => {
    clock.advance(9 * MINUTE_MS);
    const token = await visitor.csrfTokenOf('/users/new');
    clock.advance(20 * MINUTE_MS);
    const fields = { username: 'meera', email: 'meera@example.org', role: 'user', _csrf: token };
    expect((await visitor.post('/users', fields, { Origin: server.origin })).status).toBe(201);
  });

  it('does not last until a clock that was put back comes to it again', async () => {
    clock.advance(180 * MINUTE_MS);
    await confirm(PERSON.password);
    clock.advance(-120 * MINUTE_MS);
    expect((await visitor.get('/users/new')).location).toContain('/auth/confirm');
    await confirm(PERSON.password);
    expect((await visitor.get('/users/new')).status).toBe(200);
    clock.advance(120 * MINUTE_MS);
  });

  it('is not asked for where nothing sensitive is done', async () => {
    clock.advance(120 * MINUTE_MS);
    for (const path of [
      '/dashboard',
      '/sessions',
      '/users',
      `/users/${ownId}`,
      '/security/sessions',
      '/security/bans',
      '/api-keys',
      '/settings',
    ])
      expect((await visitor.get(path)).status).toBe(200);
  });

  it('is the password of the person, and of nobody else', async () => {
    clock.advance(20 * MINUTE_MS);
    for (const password of ['wrong', 'long-quiet-evening-77']) {
      const refused = await confirm(password);
      expect(refused.status).toBe(403);
      expect(refused.text).toContain('The password is wrong');
      expect(refused.text).toContain('value="/users/new"');
    }
    expect((await confirm('')).status).toBe(400);
    expect((await visitor.get('/users/new')).location).toContain('/auth/confirm');
    expect(await recorded('identity.not_confirmed')).toBe(2);
    const before = await recorded('identity.confirmed');
    expect((await confirm(PERSON.password)).location).toBe('/users/new');
    expect(await recorded('identity.confirmed')).toBe(before + 1);
    expect(server.logText()).not.toContain(PERSON.password);
  });

  it('leads only to places of this server', async () => {
    expect((await confirm(PERSON.password, 'https://evil.example')).location).toBe('/dashboard');
    expect((await confirm(PERSON.password, '//evil.example')).location).toBe('/dashboard');
    expect((await createVisitor(server.origin).get('/auth/confirm')).location).toMatch(/^\/auth\/login/);
  });

  it('belongs to one session: another device proves itself', async () => {
    const other = createVisitor(server.origin);
    await signIn(other);
    clock.advance(20 * MINUTE_MS);
    await confirm(PERSON.password);
    expect((await visitor.get('/users/new')).status).toBe(200);
    expect((await other.get('/users/new')).location).toContain('/auth/confirm');
  });

  it('guesses are limited as they are at the sign-in', async () => {
    const strict = await startTestServer({ clock, env: { LOGIN_RATE_LIMIT: '3/minute' } });
    const thief = createVisitor(strict.origin);
    await setUp(thief);
    await signIn(thief);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1)
      statuses.push((await thief.submit('/auth/confirm', { password: `guess-${attempt}` })).status);
    expect(statuses).toEqual([403, 403, 403, 429, 429]);
    const answer = await thief.submit('/auth/confirm', { password: PERSON.password });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    await strict.close();
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { ROUTE_POLICIES } from '../../src/route-policies.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, keptFormIn, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

/** All rows that ask, so that none can be missing: with what names nothing in place of a parameter. */
const asking = (method: 'get' | 'post'): string[] =>
  ROUTE_POLICIES.filter(({ reauthenticate }) => reauthenticate?.[method] !== undefined).map(({ path }) =>
    path.replaceAll(/:\w+/g, 'x'),
  );
const FORMS = asking('get');
const ACTS = asking('post');

describe('a proof of who it is', () => {
  const clock = createSettableClock('2026-11-20T12:00:00+05:30');
  let server: TestServer;
  let visitor: Visitor;
  let ownId: string;

  beforeAll(async () => {
    server = await startTestServer({
      clock,
      env: { SESSION_IDLE_TIMEOUT: '8h', SESSION_EXPIRY_TIME: 'off' },
    });
    await setUp(createVisitor(server.origin));
    ownId = (await server.services.accounts.userAdmin.list())[0]?.id ?? '';
    await server.services.accounts.userAdmin.create(
      { username: 'ravi', email: 'r@example.org', role: 'user', password: 'long-quiet-evening-77' },
      { actor: 'test' },
    );
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

  it('is asked for by every row that says so', () => {
    expect(FORMS).toContain('/users/x/role');
    expect(ACTS).toContain('/api-keys');
  });

  it.each(FORMS)('%s is shown right after signing in, and asks ten minutes later', async (path) => {
    clock.advance(10 * MINUTE_MS - 1);
    expect((await visitor.get(path)).location).not.toContain('/auth/confirm');
    clock.advance(1);
    const asked = await visitor.get(path);
    expect(asked.status).toBe(303);
    expect(asked.location).toBe(`/auth/confirm?${new URLSearchParams({ returnTo: path })}`);
    expect((await confirm(PERSON.password, path)).location).toBe(path);
    expect((await visitor.get(path)).location).not.toContain('/auth/confirm');
  });

  it.each(ACTS)('%s does nothing ten minutes after the last proof', async (path) => {
    const token = await visitor.csrfTokenOf('/settings');
    const headers = { Origin: server.origin, Referer: `${server.origin}/dashboard` };
    clock.advance(10 * MINUTE_MS);
    const asked = await visitor.post(path, { _csrf: token }, headers);
    expect(asked.status).toBe(403);
    expect(asked.text).toContain('name="returnTo" value="/dashboard"');
    expect(asked.text).toMatch(/<strong>[A-Z][^<]+<\/strong>: not done yet/);
    const script = await visitor.post(path, { _csrf: token }, { ...headers, Accept: 'application/json' });
    expect(script.status).toBe(403);
    expect(script.body).toMatchObject({ error: 'forbidden' });
    await confirm(PERSON.password);
    clock.advance(10 * MINUTE_MS - 1);
    expect(keptFormIn(await visitor.post(path, { _csrf: token }, headers))).toBeUndefined();
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

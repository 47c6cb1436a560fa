import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const NEWER_SECRET = 'e4da3b7fbbce2345d7772b0674a318d5e4da3b7f';
const { username, password } = PERSON;

/** The id in a browser's cookie, `s:<id>.<signature>`. */
function idOf(visitor: Visitor): string {
  const value = decodeURIComponent(visitor.sessionCookie());
  return value.slice('s:'.length, value.lastIndexOf('.'));
}

describe.each([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  ['Redis', async () => ({ REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }) })],
] as const)('a visitor who has not signed in, on %s', (_name, settings) => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: await settings() });
    visitor = createVisitor(server.origin);
  });
  afterEach(() => server.close());

  /** Every row and every key that sessions could be in. */
  async function stored(): Promise<readonly string[]> {
    const rows = await server.infrastructure.database.db.selectFrom('sessions').select('sid').execute();
    const { redis } = server.infrastructure;
    const keys = redis === undefined ? [] : await redis.keys('*sess*');
    return [...rows.map(({ sid }) => sid), ...keys];
  }

  test('leaves nothing behind, whatever forms they ask for and send', async () => {
    await visitor.get('/setup');
    await visitor.submit('/setup', { username: '', email: 'nowhere', password: 'short' });
    await setUp(visitor);
    for (let each = 0; each < 10; each += 1) await createVisitor(server.origin).get('/auth/login');
    for (let each = 0; each < 3; each += 1) {
      const refused = await visitor.submit('/auth/login', { username, password: 'wrong' });
      expect(refused.status).toBe(401);
    }
    await visitor.post('/auth/login', { username, password, _csrf: 'stale' }, { Origin: server.origin });
    await visitor.get('/dashboard');
    await visitor.get('/auth/login/nowhere');
    expect(await stored()).toEqual([]);
  });

  test('signs in with an id that no visitor has, and the id from before opens nothing', async () => {
    await setUp(visitor);
    await visitor.get('/auth/login');
    const planted = visitor.sessionCookie();
    expect(idOf(visitor)).toMatch(/^v\./);
    await signIn(visitor);
    expect(idOf(visitor)).toMatch(/^s\./);

    const attacker = createVisitor(server.origin);
    attacker.useSessionCookie(planted);
    expect((await attacker.get('/dashboard')).location).toContain('/auth/login?reason=login_required');
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test('signs in with a form of half an hour ago, and gets a fresh one with the name in it after that', async () => {
    await setUp(visitor);
    const form = { username, password, _csrf: await visitor.csrfTokenOf('/auth/login') };
    clock.advance(30 * MINUTE_MS);
    const late = await visitor.post('/auth/login', form, { Origin: server.origin });
    expect(late.status).toBe(403);
    expect(late.text).toContain('The form was open for too long');
    expect(late.text).toContain(`value="${username}"`);

    const fresh = /name="_csrf" value="([^"]+)"/.exec(late.text)?.[1] ?? '';
    clock.advance(30 * MINUTE_MS - 1);
    const answer = await visitor.post('/auth/login', { ...form, _csrf: fresh }, { Origin: server.origin });
    expect(answer.location).toBe('/dashboard');
  });

  test('may have the form in two tabs, each good for half an hour', async () => {
    await setUp(visitor);
    const first = await visitor.csrfTokenOf('/auth/login');
    clock.advance(29 * MINUTE_MS);
    const second = await visitor.csrfTokenOf('/auth/login');
    // A page that is not for visitors, asked for in between, takes the cookie from neither.
    await visitor.get('/dashboard');
    clock.advance(29 * MINUTE_MS);
    for (const _csrf of [first, second]) {
      const wrong = { username, password: 'wrong', _csrf };
      expect((await visitor.post('/auth/login', wrong, { Origin: server.origin })).status).toBe(401);
    }
  });

  test('is told to send the form again when the clock was put back or forward, and then it works', async () => {
    await setUp(visitor);
    for (const jump of [-2001, 24 * 60 * MINUTE_MS]) {
      const _csrf = await visitor.csrfTokenOf('/auth/login');
      clock.advance(jump);
      const form = { username, password: 'wrong', _csrf };
      expect((await visitor.post('/auth/login', form, { Origin: server.origin })).status).toBe(403);
      expect((await visitor.submit('/auth/login', { username, password: 'wrong' })).status).toBe(401);
    }
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    clock.advance(-2 * SECOND_MS);
    const form = { username, password, _csrf };
    expect((await visitor.post('/auth/login', form, { Origin: server.origin })).location).toBe('/dashboard');
  });

  test('sends a form that one node showed to another one', async () => {
    await setUp(visitor);
    const other = await startTestServer({ clock });
    onTestFinished(() => other.close());
    await setUp(createVisitor(other.origin));
    const elsewhere = createVisitor(other.origin);
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    elsewhere.useSessionCookie(visitor.sessionCookie());
    const form = { username, password, _csrf };
    const answer = await elsewhere.post('/auth/login', form, { Origin: other.origin });
    expect(answer.location).toBe('/dashboard');
  });

  test('sends a form that was shown before SESSION_SECRET was changed', async () => {
    await setUp(visitor);
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    const cookie = visitor.sessionCookie();
    const start = (secrets: string) => startTestServer({ clock, env: { SESSION_SECRET: secrets } });

    const rotated = await start(`${NEWER_SECRET},${TEST_SECRETS.SESSION_SECRET}`);
    onTestFinished(() => rotated.close());
    await setUp(createVisitor(rotated.origin));
    const same = createVisitor(rotated.origin);
    same.useSessionCookie(cookie);
    const form = { username, password, _csrf };
    const post = (who: Visitor, { origin }: TestServer) => who.post('/auth/login', form, { Origin: origin });
    expect((await post(same, rotated)).location).toBe('/dashboard');

    const withoutOld = await start(NEWER_SECRET);
    onTestFinished(() => withoutOld.close());
    await setUp(createVisitor(withoutOld.origin));
    const late = createVisitor(withoutOld.origin);
    late.useSessionCookie(cookie);
    expect((await post(late, withoutOld)).status).toBe(403);
  });

  test.each([
    ['the random part', (id: string) => id.replace(/.{5}$/, 'AAAAA')],
    ['the time', (id: string) => id.replace(/\.[\da-z]+\./, '.zzzzzzzz.')],
    ['the kind', (id: string) => id.replace(/^v/, 's')],
  ])('gets nowhere with a cookie in which %s was changed', async (_what, tamper) => {
    await setUp(visitor);
    const _csrf = await visitor.csrfTokenOf('/auth/login');
    const id = idOf(visitor);
    visitor.useSessionCookie(visitor.sessionCookie().replace(encodeURIComponent(id), tamper(id)));
    expect((await visitor.get('/dashboard')).location).toContain('reason=login_required');
    const form = { username, password, _csrf };
    expect((await visitor.post('/auth/login', form, { Origin: server.origin })).status).toBe(403);
    expect(await stored()).toEqual([]);
  });

  test('gets a cookie with a form, and none with anything else', async () => {
    await setUp(createVisitor(server.origin));
    for (const [path, cookies] of [
      ['/auth/login', 1],
      ['/', 0],
      ['/dashboard', 0],
      ['/auth/login/nowhere', 0],
      ['/auth/broker/sandbox/callback', 0],
      ['/assets/curfew.css', 0],
    ] as const) {
      const { headers } = await fetch(server.origin + path, {
        redirect: 'manual',
        headers: { Accept: 'text/html' },
      });
      expect(headers.getSetCookie().length, path).toBe(cookies);
    }
  });
});

import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { CACHE_NAMES } from '../../src/storage/caches.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MONDAY_MORNING = '2026-11-23T10:00:00+05:30';
const TUESDAY_CUTOFF = '2026-11-24T03:00:00.000+05:30';

const WAYS_TO_RUN = {
  'embedded on SQLite': () => Promise.resolve({}),
  'on Redis and Postgres': async () => ({
    DATABASE_URL: await createPostgresDatabase(),
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
  }),
} as const;

describe.each(Object.entries(WAYS_TO_RUN))('a trading day, %s', (_name, environment) => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock(MONDAY_MORNING);
    server = await startTestServer({ clock, env: { ...(await environment()), SESSION_IDLE_TIMEOUT: 'off' } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  async function storedTokens() {
    return server.infrastructure.database.db.selectFrom('broker_tokens').selectAll().execute();
  }

  async function receipts(): Promise<
    readonly { reason: string; status: string; lines: { step: string; count: number }[] }[]
  > {
    const rows = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select('detail')
      .where('type', '=', 'revocation.carried_out')
      .orderBy('id')
      .execute();
    return rows.map((row) => JSON.parse(row.detail).receipt);
  }

  async function userId(): Promise<string> {
    const row = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    return row.id;
  }

  test('begins with the first account, a sign-in and a connected broker', async () => {
    expect((await visitor.get('/setup')).status).toBe(404);
    expect((await connectSandbox(visitor)).status).toBe(303);

    const dashboard = await visitor.get('/dashboard');
    expect(dashboard.status).toBe(200);
    for (const shown of [
      'asha',
      'Connected until',
      'Tue 24 Nov 2026, 03:00:00 IST',
      'Mon 23 Nov 2026, 10:00:00 IST',
    ]) {
      expect(dashboard.text).toContain(shown);
    }
  });

  test('keeps the broker tokens encrypted', async () => {
    await connectSandbox(visitor);
    const [row] = await storedTokens();
    // Fernet's version byte 0x80 and the first bytes of today's time make every token begin like this.
    expect(row?.access_token).toMatch(/^gAAAAA/);
    expect(row?.feed_token).toMatch(/^gAAAAA/);
  });

  test('serves pages until the cutoff, and not at it', async () => {
    clock.set('2026-11-24T02:59:59.999+05:30');
    expect((await visitor.get('/broker')).status).toBe(200);
    clock.set(TUESDAY_CUTOFF);
    const late = await visitor.get('/broker');
    expect(late.status).toBe(303);
    expect(late.location).toBe('/auth/login?reason=cutoff&returnTo=%2Fbroker');
  });

  test('ends everything at the cutoff without any request', async () => {
    await connectSandbox(visitor);
    const id = await userId();
    expect(await server.services.brokers.reader.accessToken(id, 'sandbox')).toMatchObject({ kind: 'token' });
    expect(server.services.caches.sizes().auth).toBe(1);

    clock.set(TUESDAY_CUTOFF);
    await server.services.revocation.sweep.runIfDue();

    expect(await storedTokens()).toMatchObject([
      { is_revoked: 1, revoke_reason: 'cutoff', access_token: null, feed_token: null },
    ]);
    expect(await server.services.registry.listByUser(id)).toEqual([]);
    for (const name of CACHE_NAMES) expect(server.services.caches.sizes()[name]).toBe(0);
    expect((await receipts()).at(-1)).toMatchObject({
      reason: 'cutoff',
      status: 'done',
      lines: [
        { step: 'broker_tokens', count: 1 },
        { step: 'sessions', count: 1 },
        // The token, and what the person has chosen in Settings.
        { step: 'caches', count: 2 },
        { step: 'sockets', count: 0 },
      ],
    });
  });

  test('sends the next click to the login page and back again', async () => {
    clock.set(TUESDAY_CUTOFF);
    await server.services.revocation.sweep.runIfDue();

    const click = await visitor.get('/broker?x=1');
    expect(click.location).toBe('/auth/login?reason=cutoff&returnTo=%2Fbroker%3Fx%3D1');
    const login = await visitor.get(click.location);
    expect(login.text).toContain('The trading day has ended');
    const back = await visitor.submit(
      '/auth/login',
      { username: PERSON.username, password: PERSON.password, returnTo: '/broker?x=1' },
      click.location,
    );
    expect(back.location).toBe('/broker?x=1');
    expect((await visitor.get(back.location)).status).toBe(200);
  });

  test('answers a fetch with 401 and does not carry out a form after the cutoff', async () => {
    const token = await visitor.csrfTokenOf('/broker');
    clock.set(TUESDAY_CUTOFF);
    const form = await visitor.post(
      '/broker/sandbox/connection',
      { _csrf: token },
      { Origin: server.origin },
    );
    expect(form.location).toMatch(/^\/auth\/login\?reason=cutoff/);
    const pending = await server.infrastructure.database.db
      .selectFrom('broker_authorizations')
      .selectAll()
      .execute();
    expect(pending).toEqual([]);

    const thief = createVisitor(server.origin);
    const answer = await thief.get('/auth/session', { Accept: '*/*' });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ status: 'error', error: 'login_required' });
  });

  test('tells a script of an expired session why', async () => {
    clock.set(TUESDAY_CUTOFF);
    const answer = await visitor.get('/dashboard', { Accept: 'application/json' });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ status: 'error', error: 'session_expired', reason: 'cutoff' });
  });

  test('does not let a stale device take down one that signed in after the cutoff', async () => {
    const fresh = createVisitor(server.origin);
    clock.set('2026-11-24T03:00:00.001+05:30');
    await signIn(fresh);
    await connectSandbox(fresh);

    expect((await visitor.get('/dashboard')).location).toMatch(/^\/auth\/login\?reason=cutoff/);
    await server.services.revocation.sweep.runIfDue();

    expect((await fresh.get('/dashboard')).status).toBe(200);
    expect(await server.services.brokers.reader.accessToken(await userId(), 'sandbox')).toMatchObject({
      kind: 'token',
    });
  });

  test('expires a login of Monday 10:00 on Wednesday 01:00 without any sweep', async () => {
    clock.set('2026-11-25T01:00:00+05:30');
    expect((await visitor.get('/dashboard')).location).toMatch(/^\/auth\/login\?reason=cutoff/);
  });

  test("refuses the day's token from the instant of the cutoff, with a warm cache and no sweep", async () => {
    await connectSandbox(visitor);
    const id = await userId();
    clock.set('2026-11-24T02:59:59.999+05:30');
    // The practice broker's tokens last an hour: the refresher has kept this one alive.
    expect(await server.services.brokers.refresher.drain()).toMatchObject({ refreshed: 1 });
    expect(await server.services.brokers.reader.accessToken(id, 'sandbox')).toMatchObject({ kind: 'token' });
    clock.set(TUESDAY_CUTOFF);
    expect(await server.services.brokers.reader.accessToken(id, 'sandbox')).toMatchObject({
      kind: 'reauth_required',
    });
  });

  test('ends an idle session and all that it opened, without traffic', async () => {
    await connectSandbox(visitor);
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      idleTimeoutMs: 30 * MINUTE_MS,
    });
    clock.advance(30 * MINUTE_MS - 1);
    expect(await server.services.sessions.idleWatch.run()).toBe(0);
    clock.advance(1);
    expect(await server.services.sessions.idleWatch.run()).toBe(1);

    expect(await storedTokens()).toMatchObject([{ is_revoked: 1, revoke_reason: 'idle' }]);
    expect((await visitor.get('/dashboard')).location).toBe('/auth/login?reason=idle&returnTo=%2Fdashboard');
  });

  test('ends the account when its only device logs out, and is harmless twice', async () => {
    await connectSandbox(visitor);
    const stolen = visitor.sessionCookie();
    const token = await visitor.csrfTokenOf('/dashboard');

    const out = await visitor.post('/auth/logout', { _csrf: token }, { Origin: server.origin });
    expect(out.status).toBe(303);
    expect(out.location).toBe('/auth/login?reason=logged_out');
    expect(out.headers['clear-site-data']).toBe('"cache", "storage"');
    expect(String(out.headers['set-cookie'])).toContain('curfew=;');
    expect(await storedTokens()).toMatchObject([
      { is_revoked: 1, revoke_reason: 'logged_out', access_token: null },
    ]);

    const again = await visitor.post('/auth/logout', { _csrf: token }, { Origin: server.origin });
    expect(again.status).toBe(303);
    const thief = createVisitor(server.origin);
    thief.useSessionCookie(stolen);
    expect((await thief.get('/dashboard')).status).toBe(303);
  });

  test('tells the broker of a logout, outside the request', async () => {
    await connectSandbox(visitor);
    await visitor.submit('/auth/logout', {}, '/dashboard');
    expect(await server.services.brokers.logoutQueue.drain()).toMatchObject({ done: 1 });
    const { rows } = await sql<{
      live: number;
    }>`select count(*) as live from sandbox_tokens where revoked_at is null`.execute(
      server.infrastructure.database.db,
    );
    expect(Number(rows[0]?.live)).toBe(0);
  });

  test('keeps the broker connected while another device is signed in', async () => {
    const phone = createVisitor(server.origin);
    await signIn(phone);
    await connectSandbox(visitor);
    await visitor.submit('/auth/logout', {}, '/dashboard');
    expect(await storedTokens()).toMatchObject([{ is_revoked: 0 }]);
    expect((await phone.get('/dashboard')).status).toBe(200);

    await phone.submit('/auth/logout', {}, '/dashboard');
    expect(await storedTokens()).toMatchObject([{ is_revoked: 1 }]);
  });

  test('ends every device at a logout everywhere', async () => {
    const phone = createVisitor(server.origin);
    await signIn(phone);
    await connectSandbox(phone);
    await visitor.submit('/auth/logout', { everywhere: 'on' }, '/dashboard');
    expect((await phone.get('/dashboard')).location).toBe('/auth/login?reason=revoked&returnTo=%2Fdashboard');
    expect(await storedTokens()).toMatchObject([{ is_revoked: 1, revoke_reason: 'logged_out_everywhere' }]);
  });

  test('ends one other device, or all others, from the devices page', async () => {
    const phone = createVisitor(server.origin);
    const tablet = createVisitor(server.origin);
    clock.advance(1000);
    await signIn(phone);
    clock.advance(1000);
    await signIn(tablet);
    const devices = await server.services.registry.listByUser(await userId());
    const phoneDevice = devices[1];

    expect(
      (await visitor.submit(`/sessions/${phoneDevice?.deviceId}/revocation`, {}, '/sessions')).status,
    ).toBe(303);
    expect((await phone.get('/dashboard')).location).toMatch(/reason=revoked/);
    expect((await tablet.get('/dashboard')).status).toBe(200);

    await visitor.submit('/sessions/revocation', {}, '/sessions');
    expect((await tablet.get('/dashboard')).location).toMatch(/reason=revoked/);
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test('ends the oldest session when there is one too many', async () => {
    const others = Array.from({ length: 5 }, () => createVisitor(server.origin));
    for (const other of others) {
      clock.advance(1000);
      await signIn(other);
    }
    expect((await visitor.get('/dashboard')).location).toMatch(/reason=revoked/);
    for (const other of others) expect((await other.get('/dashboard')).status).toBe(200);
  });

  test('takes a new cutoff while running', async () => {
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      cutoffTime: { hour: 10, minute: 2 },
    });
    expect((await visitor.get('/dashboard')).text).toContain('Mon 23 Nov 2026, 10:02:00 IST');
    clock.set('2026-11-23T10:02:00+05:30');
    expect((await visitor.get('/dashboard')).status).toBe(303);
  });
});

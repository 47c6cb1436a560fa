import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase, moveEpoch } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';

describe('Connecting a broker', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    server = await startTestServer({ clock });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const db = () => server.infrastructure.database.db;
  const tokenRows = () => db().selectFrom('broker_tokens').selectAll().execute();
  const logoutRows = () => db().selectFrom('broker_logouts').selectAll().execute();
  const userId = async () => (await db().selectFrom('users').select('id').executeTakeFirstOrThrow()).id;
  const readToken = async () => server.services.brokers.reader.accessToken(await userId(), 'sandbox');
  const auditTypes = async () =>
    (await db().selectFrom('audit_log').select('type').orderBy('id').execute()).map((row) => row.type);
  const profileStatus = async (token: string) =>
    (await fetch(`${server.origin}/sandbox/profile`, { headers: { authorization: `Bearer ${token}` } }))
      .status;

  /** Goes to the broker and answers there; where the broker sends the browser. */
  async function goToBroker(decision = 'allow', from: Visitor = visitor, returnTo = '/broker'): Promise<URL> {
    const start = await from.submit('/broker/sandbox/connection', { returnTo }, '/broker');
    const { searchParams } = new URL(start.location);
    const page = await from.get(`/sandbox/authorize?${searchParams}`);
    const token = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const fields = { ...Object.fromEntries(searchParams), decision, _csrf: token };
    const answer = await from.post('/sandbox/authorize', fields, { Origin: server.origin });
    return new URL(answer.location);
  }
  const comeBack = (callback: URL, browser: Visitor = visitor) =>
    browser.get(callback.pathname + callback.search);

  it('leads through the broker and back, and leaves a token that works', async () => {
    const answer = await connectSandbox(visitor);
    expect(answer.status).toBe(303);
    expect(answer.location).toBe('/broker?notice=connected');
    const reading = await readToken();
    if (reading.kind !== 'token') throw new Error(reading.why);
    expect(await profileStatus(reading.token)).toBe(200);
    const page = await visitor.get('/broker?notice=connected');
    expect(page.text.replaceAll(/<[^>]+>/g, '')).toContain('Connected until Sat 21 Nov 2026, 03:00:00 IST');
    expect(await auditTypes()).toEqual(
      expect.arrayContaining(['broker.authorization_started', 'broker.connected']),
    );
  });

  it('goes back to the page that it began on', async () => {
    const start = await visitor.submit('/broker/sandbox/connection', { returnTo: '/dashboard' }, '/broker');
    expect(start.status).toBe(303);
    const [row] = await db().selectFrom('broker_authorizations').select('return_to').execute();
    expect(row?.return_to).toBe('/dashboard');
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)'])(
    'does not go back to %s',
    async (returnTo) => {
      await visitor.submit('/broker/sandbox/connection', { returnTo }, '/broker');
      const [row] = await db().selectFrom('broker_authorizations').select('return_to').execute();
      expect(row?.return_to).toBe('/broker');
    },
  );

  it('lets no secret out: not into the log, not into the audit log, not into pages or the database', async () => {
    const callback = await goToBroker();
    const { location } = await comeBack(callback);
    const reading = await readToken();
    if (reading.kind !== 'token') throw new Error(reading.why);
    const page = await visitor.get(location);
    const tables = ['broker_tokens', 'broker_authorizations', 'sandbox_codes', 'sandbox_tokens', 'audit_log'];
    const dump = await Promise.all(
      tables.map((table) =>
        db()
          .selectFrom(table as 'broker_tokens')
          .selectAll()
          .execute(),
      ),
    );
    const secrets = [
      reading.token,
      'sandbox-access-',
      'sandbox-feed-',
      callback.searchParams.get('code') ?? '-',
    ];
    for (const secret of [...secrets, callback.searchParams.get('state') ?? '-']) {
      expect(JSON.stringify(dump)).not.toContain(secret);
      expect(server.logText()).not.toContain(secret);
      expect(page.text).not.toContain(secret);
    }
  });

  it('says that it was not allowed when the person said no', async () => {
    const answer = await comeBack(await goToBroker('deny'));
    expect(answer.location).toBe('/broker?notice=denied');
    expect((await visitor.get(answer.location)).text).toContain('You did not allow the connection');
    expect(await tokenRows()).toEqual([]);
  });

  it('leads on to where the person came from when they said no there', async () => {
    const answer = await comeBack(await goToBroker('deny', visitor, '/watchlist?x=1'));
    expect(answer.location).toBe(
      `/broker?${new URLSearchParams({ notice: 'denied', returnTo: '/watchlist?x=1' })}`,
    );
    const { text } = await visitor.get(answer.location);
    expect(text).toContain('<a href="/watchlist?x=1">Go back to where you were</a>');
    expect(text).toContain('name="returnTo" value="/watchlist?x=1"');
    const foreign = await visitor.get('/broker?notice=denied&returnTo=https://evil.example');
    expect(foreign.text).not.toContain('evil.example');
  });

  it('shows no notice that it did not write itself', async () => {
    const page = await visitor.get('/broker?notice=<b>gotcha</b>&notice=connected');
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('gotcha');
  });

  it('does not know brokers that are not there', async () => {
    expect((await visitor.submit('/broker/kite/connection', {}, '/broker')).status).toBe(404);
    expect((await visitor.submit('/broker/kite/disconnection', {}, '/broker')).status).toBe(404);
    expect((await visitor.get('/auth/broker/kite/callback?state=x')).status).toBe(404);
  });

  describe('The callback', () => {
    it('signs nobody in, and explains what to do', async () => {
      const callback = await goToBroker();
      const stranger = createVisitor(server.origin);
      const answer = await comeBack(callback, stranger);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('Sign in, then connect again');
      expect(answer.text).toContain('/auth/login?returnTo=%2Fbroker');
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(stranger.sessionCookie()).toBe('');
      expect((await stranger.get('/dashboard')).status).toBe(303);
      expect(await tokenRows()).toEqual([]);
    });

    it('explains it as well to a person whose session ended at the cutoff meanwhile', async () => {
      clock.set('2026-11-21T02:59:30+05:30');
      visitor = createVisitor(server.origin);
      await signIn(visitor);
      const callback = await goToBroker();
      clock.set('2026-11-21T03:00:00+05:30');
      const answer = await comeBack(callback);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('Sign in, then connect again');
      expect(await tokenRows()).toEqual([]);
    });

    it("refuses one person's answer in another browser, and uses it up", async () => {
      const callback = await goToBroker();
      const thief = createVisitor(server.origin);
      await signIn(thief);
      const answer = await comeBack(callback, thief);
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('begun elsewhere');
      expect((await comeBack(callback)).status).toBe(400);
      expect(await tokenRows()).toEqual([]);
    });

    it('takes an answer once', async () => {
      const callback = await goToBroker();
      expect((await comeBack(callback)).status).toBe(303);
      const again = await comeBack(callback);
      expect(again.status).toBe(400);
      expect(again.text).toContain('This link has been used');
      expect(await readToken()).toMatchObject({ kind: 'token' });
    });

    it('takes an answer for ten minutes', async () => {
      const callback = await goToBroker();
      clock.advance(10 * MINUTE_MS);
      const answer = await comeBack(callback);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('That took too long');
      expect(answer.text).toContain(answer.headers['x-request-id']);
    });

    it('takes no answer that was begun for another broker', async () => {
      const callback = await goToBroker();
      await db().updateTable('broker_authorizations').set({ broker: 'kite' }).execute();
      const answer = await comeBack(callback);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('came from another broker');
      expect(await tokenRows()).toEqual([]);
    });

    it('takes no answer of another issuer', async () => {
      const callback = await goToBroker();
      callback.searchParams.set('iss', 'https://another-broker.example');
      const answer = await comeBack(callback);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('refused the connection');
      expect(await tokenRows()).toEqual([]);
    });

    it.each(['', '?state=invented&code=x', '?code=x', '?state=a&state=b', '?state[x]=1'])(
      'refuses an answer that nobody asked for: "%s"',
      async (query) => {
        expect((await visitor.get(`/auth/broker/sandbox/callback${query}`)).status).toBe(400);
      },
    );

    it('takes no answer with two states, and does not use up the right one', async () => {
      const callback = await goToBroker();
      const twice = new URL(callback);
      twice.searchParams.append('state', 'another');
      expect((await comeBack(twice)).status).toBe(400);
      expect((await comeBack(callback)).status).toBe(303);
    });

    it('gives nothing to a session whose person was just ended everywhere', async () => {
      const callback = await goToBroker();
      await moveEpoch(server.infrastructure.database, await userId());
      const answer = await comeBack(callback);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('Sign in');
      expect(await tokenRows()).toEqual([]);
    });

    it('is not used up by somebody who only looks whether it is there', async () => {
      const callback = await goToBroker();
      const cookie = `curfew=${visitor.sessionCookie()}`;
      const head = await fetch(callback, { method: 'HEAD', headers: { cookie } });
      expect(head.status).toBe(200);
      expect((await comeBack(callback)).status).toBe(303);
    });

    it('tells when the broker finds the code too old', async () => {
      const callback = await goToBroker();
      clock.advance(MINUTE_MS);
      const answer = await comeBack(callback);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('refused the connection');
      const [last] = (await db().selectFrom('audit_log').selectAll().orderBy('id', 'desc').execute()) ?? [];
      expect(last?.detail).toContain('invalid_grant');
    });
  });

  describe('Connecting again', () => {
    it('puts the new token in the place of the old one, and the old one ends at the broker', async () => {
      await connectSandbox(visitor);
      const first = await readToken();
      clock.advance(SECOND_MS);
      await connectSandbox(visitor);
      const second = await readToken();
      if (first.kind !== 'token' || second.kind !== 'token') throw new Error('not connected');
      expect(second.token).not.toBe(first.token);
      await server.services.brokers.logoutQueue.drain();
      expect(await profileStatus(first.token)).toBe(401);
      expect(await profileStatus(second.token)).toBe(200);
    });
  });

  it('tells the broker of an ended token by itself, right away', async () => {
    server.services.brokers.logoutQueue.start();
    try {
      await connectSandbox(visitor);
      const first = await readToken();
      await connectSandbox(visitor);
      const second = await readToken();
      if (first.kind !== 'token' || second.kind !== 'token') throw new Error('not connected');
      await expect.poll(() => profileStatus(first.token), { timeout: 5000 }).toBe(401);
      await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
      await expect.poll(() => profileStatus(second.token), { timeout: 5000 }).toBe(401);
    } finally {
      await server.services.brokers.logoutQueue.stop();
    }
  });

  describe('Disconnecting', () => {
    it('ends the token here at once, and at the broker a little later', async () => {
      await connectSandbox(visitor);
      const before = await readToken();
      if (before.kind !== 'token') throw new Error(before.why);
      const answer = await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
      expect(answer.location).toBe('/broker?notice=disconnected');
      expect(await readToken()).toEqual({ kind: 'reauth_required', why: 'disconnected' });
      expect(await tokenRows()).toMatchObject([{ is_revoked: 1, access_token: null, feed_token: null }]);
      expect(await server.services.brokers.logoutQueue.drain()).toMatchObject({ done: 1 });
      expect(await profileStatus(before.token)).toBe(401);
      expect(await auditTypes()).toEqual(
        expect.arrayContaining(['broker.disconnected', 'broker.logged_out_at_broker']),
      );
      expect((await visitor.get('/dashboard')).status).toBe(200);
    });

    it('says so when the broker had ended the token already', async () => {
      await connectSandbox(visitor);
      await db().updateTable('broker_tokens').set({ expires_at: clock.now(), refresh_token: null }).execute();
      const answer = await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
      expect((await visitor.get(answer.location)).text).toContain('The broker had ended the token by itself');
      expect(await logoutRows()).toEqual([]);
    });

    it('is harmless when nothing is connected, and says so', async () => {
      const answer = await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
      expect((await visitor.get(answer.location)).text).toContain('was not connected any more');
      expect(await auditTypes()).not.toContain('broker.disconnected');
    });
  });

  describe('On Postgres', () => {
    it('leads through the broker and back, and out again', async () => {
      await server.close();
      const url = await createPostgresDatabase();
      server = await startTestServer({ clock, env: { DATABASE_URL: url } });
      visitor = createVisitor(server.origin);
      await setUp(visitor);
      await signIn(visitor);
      await connectSandbox(visitor);
      const reading = await readToken();
      if (reading.kind !== 'token') throw new Error(reading.why);
      expect(await profileStatus(reading.token)).toBe(200);
      await visitor.submit('/broker/sandbox/disconnection', {}, '/broker');
      expect(await readToken()).toMatchObject({ why: 'disconnected' });
      expect(await server.services.brokers.logoutQueue.drain()).toMatchObject({ done: 1 });
      expect(await profileStatus(reading.token)).toBe(401);
    });
  });

  describe('Signing out of the last device', () => {
    it('ends the token here and at the broker', async () => {
      await connectSandbox(visitor);
      const before = await readToken();
      if (before.kind !== 'token') throw new Error(before.why);
      await visitor.submit('/auth/logout', {}, '/auth/logout');
      expect(await readToken()).toMatchObject({ kind: 'reauth_required', why: 'logged_out' });
      expect(await logoutRows()).toMatchObject([{ status: 'open' }]);
      await server.services.brokers.logoutQueue.drain();
      expect(await profileStatus(before.token)).toBe(401);
    });
  });
});

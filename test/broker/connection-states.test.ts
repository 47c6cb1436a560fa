import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { connectFake, createFakeBroker, type FakeBroker, goToFakeBroker } from './fake-broker.ts';
import { pressButton } from './protocol-servers/consent-page.ts';
import { type ProtocolBrokers, startProtocolBrokers } from './protocol-servers/protocol-brokers.ts';

const MORNING = '2026-11-20T09:15:00+05:30';
const FRIEND = { username: 'ravi', password: 'another-monsoon-77', email: 'ravi@example.org' };

describe('What becomes of a connection', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;
  let broker: FakeBroker;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    broker = createFakeBroker(clock);
    server = await startTestServer({
      clock,
      adapters: [broker.adapter],
      env: { SESSION_EXPIRY_TIME: '06:00', SESSION_IDLE_TIMEOUT: 'off' },
    });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const db = () => server.infrastructure.database.db;
  const userId = async () =>
    (await db().selectFrom('users').select('id').where('username', '=', 'asha').executeTakeFirstOrThrow()).id;
  const read = async () => server.services.brokers.reader.accessToken(await userId(), 'fake');
  const types = async () =>
    (await db().selectFrom('audit_log').select('type').execute()).map(({ type }) => type);
  const BANNER = 'Fake broker is not connected.';

  describe('at a broker whose tokens die at 03:30, with a cutoff at 06:00', () => {
    beforeEach(async () => {
      broker.grant = () => ({
        kind: 'granted',
        accessToken: 'fake-access',
        expiresAt: Date.parse('2026-11-21T03:30:00+05:30'),
      });
      await connectFake(visitor);
    });

    it('shows the earlier of the two', async () => {
      expect(withoutTags((await visitor.get('/broker')).text)).toContain(
        'Connected until Sat 21 Nov 2026, 03:30:00 IST',
      );
      const dashboard = withoutTags((await visitor.get('/dashboard')).text);
      expect(dashboard).toContain('Fake broker: access token and feed token 03:30 IST');
      expect(dashboard).toContain('Your session on this device 06:00 IST');
    });

    it('serves the token until 03:30 and not at it, while the person stays signed in', async () => {
      clock.set('2026-11-21T03:29:59.999+05:30');
      expect((await visitor.get('/broker')).text).toContain('Ends soon: connected until');
      expect(await read()).toMatchObject({ kind: 'token' });
      clock.set('2026-11-21T03:30:00+05:30');
      expect(await read()).toEqual({ kind: 'reauth_required', why: 'expired_at_broker' });
      const page = await visitor.get('/broker');
      expect(page.status).toBe(200);
      expect(page.text).toContain('Ended by the broker at its own time limit. Connect again.');
    });
  });

  describe('on every page of somebody who has lost one', () => {
    it('offers one click to connect again, and leads back to where they were', async () => {
      await connectFake(visitor);
      expect((await visitor.get('/sessions')).text).not.toContain(BANNER);
      await server.services.brokers.reportRejected(await userId(), 'fake', {
        tokenDigest: secretDigest('fake-access-1'),
      });

      const page = await visitor.get('/sessions?x=1&y=2');
      expect(page.text).toContain(BANNER);
      expect(page.text).toContain('Rejected by the broker');
      expect((await visitor.get('/broker')).text).toContain('state-rejected');
      expect((await visitor.get('/nothing-here')).text).toContain(BANNER);

      const form = /<section class="broker-banner"[\s\S]*?<\/section>/.exec(page.text)?.[0] ?? '';
      expect(form).toContain('action="/broker/fake/connection"');
      const returnTo = /name="returnTo" value="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&');
      expect(returnTo).toBe('/sessions?x=1&y=2');
      const back = await connectFake(visitor, { returnTo: returnTo ?? '' });
      expect(back.location).toBe('/sessions?x=1&y=2');
      expect((await visitor.get(back.location)).text).not.toContain(BANNER);
    });

    it('is there after the cutoff and the next sign-in, and for nobody else', async () => {
      await server.services.accounts.userAdmin.create({ ...FRIEND, role: 'user' }, { actor: 'cli' });
      await connectFake(visitor);
      clock.set('2026-11-21T06:00:00+05:30');
      await server.services.revocation.sweep.runIfDue();
      expect((await visitor.get('/auth/login')).text).not.toContain(BANNER);
      await signIn(visitor);
      expect((await visitor.get('/dashboard')).text).toContain(BANNER);
      const friend = createVisitor(server.origin);
      await signIn(friend, FRIEND);
      expect((await friend.get('/dashboard')).text).not.toContain(BANNER);
    });

    it('is not there when the person disconnected', async () => {
      await connectFake(visitor);
      await visitor.submit('/broker/fake/disconnection', {}, '/broker');
      expect((await visitor.get('/dashboard')).text).not.toContain(BANNER);
    });
  });

  it('asks to connect again after somebody changed a byte of the token, and writes it down', async () => {
    await connectFake(visitor);
    const row = await db().selectFrom('broker_tokens').select('access_token').executeTakeFirstOrThrow();
    const bytes = Buffer.from(row.access_token ?? '', 'base64');
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    const changed = bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    await db().updateTable('broker_tokens').set({ access_token: changed }).execute();

    const message = /Fake broker is not connected .*could not be read.*connect Fake broker again/;
    await expect(server.services.brokers.reader.requireAccessToken(await userId(), 'fake')).rejects.toThrow(
      message,
    );
    const page = await visitor.get('/broker');
    expect(page.status).toBe(200);
    expect(page.text).toContain('The stored connection could not be read. Connect again.');
    expect(await types()).toContain('broker.token_unreadable');
    expect((await connectFake(visitor)).status).toBe(303);
    expect(await read()).toMatchObject({ kind: 'token' });
  });

  it('signs out at once, however long the broker takes', async () => {
    broker.onRevoke = () => new Promise(() => undefined);
    await connectFake(visitor);
    server.services.brokers.logoutQueue.start();
    const startedAt = performance.now();
    const answer = await visitor.submit('/auth/logout', {}, '/auth/logout');
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(answer.location).toBe('/auth/login?reason=logged_out');
    expect(await read()).toEqual({ kind: 'reauth_required', why: 'logged_out' });
    await expect.poll(() => broker.ended, { timeout: 5000 }).toEqual(['fake-access-1']);
    // It still hangs there, and the person is long signed in again.
    expect((await signIn(visitor)).status).toBe(303);
  });

  it("refuses one person's callback address in another person's browser, and gives neither a token", async () => {
    await server.services.accounts.userAdmin.create({ ...FRIEND, role: 'user' }, { actor: 'cli' });
    const thief = createVisitor(server.origin);
    await signIn(thief, FRIEND);
    const callback = await goToFakeBroker(visitor);
    // The thief even has an authorization of their own under way.
    await goToFakeBroker(thief);
    const stolen = await thief.get(callback);
    expect(stolen.status).toBe(403);
    expect(stolen.text).toContain('begun elsewhere');
    expect((await visitor.get(callback)).status).toBe(400);
    expect(await db().selectFrom('broker_tokens').selectAll().execute()).toEqual([]);
    expect(broker.ended).toEqual([]);
  });

  it('is connected again after signing in again, where the session ended on the way', async () => {
    const callback = await goToFakeBroker(visitor, { returnTo: '/sessions' });
    clock.set('2026-11-21T06:00:00+05:30');
    const answer = await visitor.get(callback);
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('Sign in, then connect again');
    await signIn(visitor, PERSON);
    clock.advance(MINUTE_MS);
    expect((await connectFake(visitor)).location).toBe('/broker?notice=connected');
  });

  it('keeps a token that the broker hands out twice', async () => {
    broker.grant = () => ({
      kind: 'granted',
      accessToken: 'the same',
      expiresAt: clock.now() + 600 * MINUTE_MS,
    });
    await connectFake(visitor);
    await connectFake(visitor);
    await visitor.submit('/broker/fake/disconnection', {}, '/broker');
    await connectFake(visitor);
    await server.services.brokers.logoutQueue.drain();
    expect(broker.ended).toEqual([]);
    expect(await read()).toMatchObject({ kind: 'token', token: 'the same' });
  });
});

describe('Upstox, with a cutoff at 06:00', () => {
  it('is connected until 03:30, when its token dies there, and not a moment longer', async () => {
    const clock = createSettableClock(MORNING);
    let brokers: ProtocolBrokers | undefined;
    const server = await startTestServer({
      clock,
      env: { SESSION_EXPIRY_TIME: '06:00', SESSION_IDLE_TIMEOUT: 'off' },
      async adapters(origin) {
        brokers = await startProtocolBrokers(clock, origin);
        return brokers.adapters;
      },
    });
    try {
      const upstox = brokers?.servers.upstox;
      const visitor = createVisitor(server.origin);
      await setUp(visitor);
      await signIn(visitor);
      await visitor.submit('/broker/upstox/credentials', upstox?.credentials);
      const { location } = await visitor.submit('/broker/upstox/connection', {}, '/broker');
      const { pathname, search } = await pressButton(new URL(location), 'allow');
      await visitor.get(pathname + search);
      expect(withoutTags((await visitor.get('/broker')).text)).toContain(
        'Connected until Sat 21 Nov 2026, 03:30:00 IST',
      );

      const { id } = await server.infrastructure.database.db
        .selectFrom('users')
        .select('id')
        .executeTakeFirstOrThrow();
      const read = () => server.services.brokers.reader.accessToken(id, 'upstox');
      clock.set('2026-11-21T03:29:59.999+05:30');
      const reading = await read();
      if (reading.kind !== 'token') throw new Error(reading.why);
      expect(await upstox?.profileStatus(reading.token)).toBe(200);
      clock.set('2026-11-21T03:30:00+05:30');
      expect(await read()).toEqual({ kind: 'reauth_required', why: 'expired_at_broker' });
      expect(await upstox?.profileStatus(reading.token)).toBe(401);
      const page = (await visitor.get('/dashboard')).text;
      expect(page).toContain(
        '<strong>Upstox is not connected.</strong> Ended by the broker at its own time limit.',
      );
    } finally {
      await server.close();
      await brokers?.close();
    }
  });
});

function withoutTags(html: string): string {
  return html.replaceAll(/<[^>]+>/g, '');
}

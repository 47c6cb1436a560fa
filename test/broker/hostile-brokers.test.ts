import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, SECOND_MS } from '../../src/core/duration.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { type Answer, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { MORNING } from './broker-world.ts';
import { pressButton } from './protocol-servers/consent-page.ts';
import {
  type ProtocolBrokers,
  REAL_BROKERS,
  startProtocolBrokers,
} from './protocol-servers/protocol-brokers.ts';

const BAD_DAYS = [
  ['answers with a page of HTML', (_req, res) => void res.end('<h1>Welcome to Kite</h1>')],
  ['answers 500', (_req, res) => void res.writeHead(500).end('{"status":"error"}')],
  ['answers without end', (_req, res) => void res.end('x'.repeat(5_000_000))],
  ['breaks off', (_req, res) => void res.destroy()],
  ['accepts the connection and says nothing', () => undefined],
] satisfies [string, RequestListener][];

describe.each(REAL_BROKERS)('With %s, when things go wrong,', (broker) => {
  let clock: SettableClock;
  let brokers: ProtocolBrokers | undefined;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    server = await startTestServer({
      clock,
      env: { SESSION_IDLE_TIMEOUT: 'off' },
      async adapters(origin) {
        brokers = await startProtocolBrokers(clock, origin);
        return brokers.adapters;
      },
    });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await enterKeys();
  });
  afterEach(async () => {
    await server.close();
    await brokers?.close();
  });

  function theBroker() {
    if (brokers === undefined) throw new Error('The brokers are not there yet');
    return brokers.servers[broker];
  }
  const db = () => server.infrastructure.database.db;
  const enterKeys = (changes: Record<string, string> = {}) =>
    visitor.submit(`/broker/${broker}/credentials`, { ...theBroker().credentials, ...changes });
  const begin = (from = visitor) => from.submit(`/broker/${broker}/connection`, {}, '/broker');
  const goThere = async (from = visitor) => pressButton(new URL((await begin(from)).location), 'allow');
  const comeBack = ({ pathname, search }: URL, to = visitor): Promise<Answer> => to.get(pathname + search);
  const isConnected = async () =>
    (await db().selectFrom('broker_tokens').select('id').where('is_revoked', '=', 0).execute()).length > 0;
  async function read() {
    const { id } = await db().selectFrom('users').select('id').executeTakeFirstOrThrow();
    return server.services.brokers.reader.accessToken(id, broker);
  }
  const lastEvent = async () =>
    (await db().selectFrom('audit_log').selectAll().orderBy('id', 'desc').executeTakeFirstOrThrow()).detail;

  describe.each(BAD_DAYS)('and the broker %s,', (_what, listener) => {
    it('the person reads that it does not answer, in time, and can try again', async () => {
      const callback = await goThere();
      theBroker().answerWith(listener);
      const startedAt = performance.now();
      const answer = await comeBack(callback);
      expect(performance.now() - startedAt).toBeLessThan(8 * SECOND_MS);
      expect(answer.status).toBe(503);
      expect(answer.text).toContain('The broker does not answer');
      expect(await isConnected()).toBe(false);
      expect(await lastEvent()).toMatch(/garbled_response|server_error|network|timeout/);
      for (const secret of theBroker().secrets())
        expect(answer.text + server.logText()).not.toContain(secret);

      theBroker().answerWith(undefined);
      expect((await comeBack(await goThere())).location).toBe('/broker?notice=connected');
    });

    it('nobody waits for it at sign-out, and it is told when it is well again', async () => {
      await comeBack(await goThere());
      const reading = await read();
      if (reading.kind !== 'token') throw new Error(reading.why);
      theBroker().answerWith(listener);
      const startedAt = performance.now();
      expect((await visitor.submit('/auth/logout', {}, '/auth/logout')).location).toContain('logged_out');
      expect(performance.now() - startedAt).toBeLessThan(2 * SECOND_MS);
      expect(await read()).toEqual({ kind: 'reauth_required', why: 'logged_out' });
      const takesLogout = broker !== 'dhan';
      const { logoutQueue } = server.services.brokers;
      expect(await logoutQueue.drain()).toMatchObject(takesLogout ? { postponed: 1 } : { done: 1 });
      theBroker().answerWith(undefined);
      clock.advance(HOUR_MS);
      await logoutQueue.drain();
      expect((await theBroker().profileStatus(reading.token)) === 200).toBe(!takesLogout);
    });
  });

  it('a person whose keys were removed meanwhile is told so, and nothing is connected', async () => {
    const callback = await goThere();
    await visitor.submit(`/broker/${broker}/credentials/removal`, {}, `/broker/${broker}/credentials`);
    const answer = await comeBack(callback);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('The app keys are gone');
    expect(await isConnected()).toBe(false);
  });

  it('a person whose secret was changed meanwhile is refused, and connects with the right one', async () => {
    const callback = await goThere();
    await enterKeys(broker === 'fyers' ? { secretId: 'another' } : { apiSecret: 'another' });
    const answer = await comeBack(callback);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('refused the connection');
    await enterKeys();
    expect((await comeBack(await goThere())).location).toBe('/broker?notice=connected');
  });

  it('a key that somebody changed in the database is asked for again, with an audit entry', async () => {
    const stored = await db()
      .selectFrom('broker_credentials')
      .selectAll()
      .where('broker', '=', broker)
      .executeTakeFirstOrThrow();
    const flipped = `${stored.value.slice(0, 50)}${stored.value[50] === 'A' ? 'B' : 'A'}${stored.value.slice(51)}`;
    await db()
      .updateTable('broker_credentials')
      .set({ value: flipped })
      .where('id', '=', stored.id)
      .execute();
    expect((await begin()).location).toBe(`/broker/${broker}/credentials?notice=needed`);
    expect(await lastEvent()).toContain('broker.credentials_unreadable');
    await enterKeys();
    expect((await comeBack(await goThere())).location).toBe('/broker?notice=connected');
  });

  it('an answer is of no use in another browser of the same person, and works once', async () => {
    const elsewhere = createVisitor(server.origin);
    await signIn(elsewhere);
    const callback = await goThere();
    expect([400, 403]).toContain((await comeBack(callback, elsewhere)).status);
    expect(await isConnected()).toBe(false);
    const own = await goThere();
    expect((await comeBack(own)).location).toBe('/broker?notice=connected');
    expect((await comeBack(own)).status).toBe(400);
    expect(await read()).toMatchObject({ kind: 'token' });
  });

  it('a callback address of 60 KB or with a thousand parameters does no harm', async () => {
    const path = `/auth/broker/${broker}/callback`;
    const many = Array.from({ length: 1000 }, (_, index) => `state=${index}`).join('&');
    expect((await visitor.get(`${path}?${many}`)).status).toBe(400);
    const long = await visitor.get(`${path}?state=${'x'.repeat(12_000)}&code=${'y'.repeat(2000)}`);
    expect(long.status).toBe(400);
    expect((await visitor.get('/healthz')).status).toBe(200);
  });
});

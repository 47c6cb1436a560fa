import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type ApiClient, createApiClient, makeKey } from './api-client.ts';

let clock: SettableClock;
let server: TestServer;
let owner: Visitor;
let client: ApiClient;

beforeAll(async () => {
  clock = createSettableClock('2026-11-23T10:00:00+05:30');
  server = await startTestServer({ clock, env: { API_RATE_LIMIT: '1000/minute' } });
  owner = createVisitor(server.origin);
  await setUp(owner);
  await signIn(owner);
  client = createApiClient(server.origin, (await makeKey(owner)).key);
});
afterAll(() => server.close());
beforeEach(() => connectSandbox(owner));

const REJECTION = '/api/v1/broker/sandbox/rejection';
const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});
const readToken = () => client.ask('/api/v1/broker/sandbox/token');
const fingerprint = async () => String((await readToken()).body.data?.['fingerprint']);

describe('A program that reports a rejected token', () => {
  it('ends the connection, and the token is 409 until its owner connects again', async () => {
    const answer = await client.ask(REJECTION, json({ fingerprint: await fingerprint() }));
    expect(answer).toMatchObject({ status: 200, body: { data: { broker: 'sandbox', ended: true } } });
    expect(await readToken()).toMatchObject({ status: 409, body: { error: 'broker_reauth_required' } });
    expect((await owner.get('/broker')).text).toContain('Rejected by the broker');
  });

  it('is written into the audit log with the person whose key it was', async () => {
    const { origin } = server;
    const from = createApiClient(origin, (await makeKey(owner)).key);
    await from.ask(REJECTION, json({ fingerprint: await fingerprint() }));
    const row = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select(['actor'])
      .where('type', '=', 'broker.token_rejected')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    expect(row.actor).toBe('asha');
  });

  it('ends nothing with the fingerprint of an earlier token', async () => {
    const old = await fingerprint();
    await connectSandbox(owner);
    const answer = await client.ask(REJECTION, json({ fingerprint: old }));
    expect(answer.body.data).toEqual({ broker: 'sandbox', ended: false });
    expect((await readToken()).status).toBe(200);
  });

  it('is told what is wrong with the report', async () => {
    expect(await client.ask(REJECTION, json({ fingerprint: 'short' }))).toMatchObject({
      status: 400,
      body: { error: 'invalid', fields: { fingerprint: expect.any(String) } },
    });
    expect((await client.ask(REJECTION, { method: 'POST' })).status).toBe(400);
    expect(
      (await client.ask('/api/v1/broker/nobody/rejection', json({ fingerprint: 'a'.repeat(43) }))).status,
    ).toBe(404);
  });

  it('needs the scope that gives the token', async () => {
    const { key } = await makeKey(owner, { scopes: ['session:read'] });
    const other = createApiClient(server.origin, key);
    expect(await other.ask(REJECTION, json({ fingerprint: 'a'.repeat(43) }))).toMatchObject({
      status: 403,
      body: { error: 'forbidden' },
    });
  });

  it('reports ten times a minute at most', async () => {
    const statuses: number[] = [];
    for (let nth = 0; nth < 11; nth += 1)
      statuses.push((await client.ask(REJECTION, json({ fingerprint: 'a'.repeat(43) }))).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await readToken()).status).toBe(200);
  });
});

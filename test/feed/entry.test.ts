import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';
import { asBrowser, openInVain, openSocket } from './socket-client.ts';

const PING = { v: 1, type: 'ping', id: 'first' };

describe('The door of /ws', () => {
  let server: TestServer;
  let asha: Visitor;
  let userId: string;

  beforeAll(async () => {
    server = await startTestServer();
    asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    const { id } = await server.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    userId = id;
  });
  afterAll(() => server.close());

  const headers = () => asBrowser(server.origin, asha.sessionCookie());

  const makeKey = async (scopes: readonly string[], addresses = {}): Promise<string> =>
    (await issueKey(server, userId, { scopes, addresses })).key;

  it('lets in a signed-in browser of this origin, and answers it', async () => {
    const socket = await openSocket(server.origin, headers());
    socket.send(PING);
    expect(await socket.next(({ type }) => type === 'ack')).toMatchObject({ v: 1, id: 'first' });
    socket.close();
  });

  it('speaks without compression, whatever the client offers', async () => {
    const socket = await openSocket(server.origin, headers());
    expect(socket.ws.extensions).toBe('');
    socket.close();
  });

  it.each([
    ['another origin', { Origin: 'https://evil.example' }],
    ['no origin', {}],
    ['the origin null', { Origin: 'null' }],
  ])('refuses a browser with %s before the upgrade', async (_, origin) => {
    const { Cookie = '' } = headers() as Record<string, string>;
    const refusal = await openInVain(server.origin, { Cookie, ...origin });
    expect(refusal).toMatchObject({ status: 403, body: { error: 'csrf' } });
  });

  it('refuses without a session, and says why as JSON, never by leading elsewhere', async () => {
    const refusal = await openInVain(server.origin, { Origin: server.origin });
    expect(refusal).toMatchObject({
      status: 401,
      body: { status: 'error', error: 'login_required' },
      headers: { connection: 'close' },
    });
  });

  it('lets in a program whose key has the scope feed:read', async () => {
    const key = await makeKey(['feed:read']);
    const socket = await openSocket(server.origin, { Authorization: `Bearer ${key}` });
    socket.send(PING);
    await socket.next(({ type }) => type === 'ack');
    socket.close();
  });

  it.each([
    ['without that scope', ['session:read'], {}, 403, 'forbidden'],
    ['from another address', ['feed:read'], { primary: '203.0.113.9' }, 403, 'forbidden'],
  ])('refuses a key %s', async (_, scopes, addresses, status, error) => {
    const key = await makeKey(scopes, addresses);
    const refusal = await openInVain(server.origin, { 'X-API-Key': key });
    expect(refusal).toMatchObject({ status, body: { error } });
  });

  it('refuses a wrong key, also beside a good session', async () => {
    const refusal = await openInVain(server.origin, { ...headers(), 'X-API-Key': 'cfw_no_such_key' });
    expect(refusal).toMatchObject({ status: 401, body: { error: 'bad_api_key' } });
  });

  it('refuses a key in the address', async () => {
    const key = await makeKey(['feed:read']);
    const refusal = await openInVain(server.origin, { 'X-API-Key': key }, `/ws?apikey=${key}`);
    expect(refusal).toMatchObject({ status: 400, body: { error: 'invalid' } });
    expect((await openInVain(server.origin, {}, `/ws?apikey=${key}`)).status).toBe(400);
  });

  it.each(['api_key', 'token', 'access_token', 'ticket', 'jwt'])(
    'refuses %s in the address of a signed-in browser too',
    async (name) => {
      const refusal = await openInVain(server.origin, headers(), `/ws?${name}=something`);
      expect(refusal).toMatchObject({
        status: 400,
        body: { error: 'invalid', fields: { key: expect.stringContaining('never in the address') } },
      });
    },
  );

  it('refuses an API key under any name in the address of a signed-in browser', async () => {
    const key = await makeKey(['feed:read']);
    expect((await openInVain(server.origin, headers(), `/ws?page=${key}`)).status).toBe(400);
  });

  it('counts the calls of a key', async () => {
    const key = await makeKey(['feed:read']);
    const statuses: number[] = [];
    for (let call = 0; call < 61; call += 1) {
      const answer = await fetch(`${server.origin}/ws`, { headers: { 'X-API-Key': key } });
      statuses.push(answer.status);
    }
    expect(statuses.slice(0, 60).every((status) => status === 426)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
  });

  it('tells an ordinary request what it is', async () => {
    const answer = await asha.get('/ws', { Accept: 'application/json' });
    expect(answer).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } });
  });

  it('answers other requests with an Upgrade header as if it were not there', async () => {
    const { port } = new URL(server.origin);
    const status = await new Promise<number>((resolve, reject) => {
      const req = request({ port, path: '/healthz', headers: { Connection: 'Upgrade', Upgrade: 'h2c' } });
      req.once('response', (response) => resolve(response.statusCode ?? 0)).once('error', reject);
      req.end();
    });
    expect(status).toBe(200);
  });

  it('closes the sixth socket of a person with 4409, and lets one in when another one has gone', async () => {
    const sockets = await Promise.all(Array.from({ length: 5 }, () => openSocket(server.origin, headers())));
    const sixth = await openSocket(server.origin, headers());
    expect(await sixth.closed).toMatchObject({ code: 4409, reason: 'over_limit' });
    expect(sixth.messages).toEqual([{ v: 1, type: 'bye', code: 4409, reason: 'over_limit' }]);
    sockets[0]?.ws.close();
    await sockets[0]?.closed;
    const another = await openSocket(server.origin, headers());
    another.send(PING);
    await another.next(({ type }) => type === 'ack');
    for (const socket of [...sockets, another]) socket.close();
  });
});

describe('A banned address', () => {
  it('is refused before the upgrade, with an invented key or session too', async () => {
    const server = await startTestServer({ env: { TRUST_PROXY: '127.0.0.1' } });
    await setUp(createVisitor(server.origin));
    const address = '203.0.113.9';
    const ban = { subject: address, note: '', length: 'permanent' } as const;
    await server.services.bans.bans.ban(ban, { actor: 'test' });
    const from = { 'X-Forwarded-For': address };
    for (const headers of [
      asBrowser(server.origin, ''),
      asBrowser(server.origin, 's%3Ainvented.signature'),
      { Authorization: `Bearer cfw_${'a'.repeat(43)}` },
    ]) {
      const refusal = await openInVain(server.origin, { ...headers, ...from });
      expect(refusal).toMatchObject({ status: 403, body: { error: 'banned' } });
    }
    const other = await openInVain(server.origin, asBrowser(server.origin, ''));
    expect(other).toMatchObject({ status: 401, body: { error: 'login_required' } });
    await server.close();
  });
});

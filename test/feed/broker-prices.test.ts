import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeedServer } from '../broker/feeds/feed-server.ts';
import { startKiteServer } from '../broker/feeds/kite-server.ts';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';
import { openSocket, type SocketClient } from './socket-client.ts';
import { createStreamingAdapter } from './streaming-adapter.ts';

const INFY = '408065';

describe('Prices of a real broker, to a program', () => {
  let kite: FeedServer;
  let server: TestServer;
  let asha: Visitor;
  let key: string;
  let socket: SocketClient;
  const tokens: string[] = [];

  beforeAll(async () => {
    kite = await startKiteServer();
    const adapter = createStreamingAdapter({
      id: 'zerodha',
      name: 'Zerodha',
      prices: kite,
      onToken: (token) => void tokens.push(token),
    });
    server = await startTestServer({ adapters: [adapter], jobs: true });
    asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    await importKnownSymbols(server.services);
    const { db } = server.infrastructure.database;
    const { id } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    ({ key } = await issueKey(server, id, { scopes: ['feed:read', 'broker:token'] }));
    await connect();
    socket = await openSocket(server.origin, { 'X-API-Key': key });
  });
  afterAll(async () => {
    socket?.close();
    await server?.close();
    await kite?.close();
  });

  async function connect(): Promise<void> {
    const { location } = await asha.submit('/broker/zerodha/connection', {}, '/broker');
    const callback = new URL(location);
    await asha.get(callback.pathname + callback.search);
  }

  const prices = () => socket.messages.filter(({ type }) => type === 'price');
  const tokenStatus = () =>
    fetch(`${server.origin}/api/v1/broker/zerodha/token`, { headers: { 'X-API-Key': key } });

  it('come over one connection by the token of the imported list', async () => {
    socket.send({ v: 1, type: 'subscribe', id: '1', symbols: ['NSE:INFY'], mode: 'quote' });
    expect(await socket.next(({ id }) => id === '1')).toMatchObject({ type: 'ack', broker: 'zerodha' });
    await expect.poll(() => kite.modeOf(INFY)).toBe('quote');
    kite.tick(INFY, 1573.15);
    expect(await socket.next(({ type }) => type === 'price')).toMatchObject({
      symbol: 'NSE:INFY',
      price: 1573.15,
      close: 1567.8,
      stale: false,
    });
    expect(kite.handshakes).toBe(1);
  });

  it('come back by themselves after a lost connection, and are old until then', async () => {
    kite.cut();
    await expect.poll(() => prices().at(-1)).toMatchObject({ stale: true, price: 1573.15 });
    await expect.poll(() => kite.modeOf(INFY), { timeout: 5_000 }).toBe('quote');
    kite.tick(INFY, 1574);
    await expect.poll(() => prices().at(-1)).toMatchObject({ stale: false, price: 1574 });
  });

  it('end with a token that the broker rejects, which is not shown to it again', async () => {
    kite.kill(tokens.at(-1) ?? '');
    expect(await socket.next(({ event }) => event === 'broker_rejected')).toMatchObject({
      broker: 'zerodha',
    });
    expect(await (await tokenStatus()).json()).toMatchObject({ error: 'broker_reauth_required' });
    expect((await asha.get('/broker')).text).toContain('Rejected by the broker');
    const { handshakes } = kite;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(kite.handshakes).toBe(handshakes);
    expect(prices().at(-1)).toMatchObject({ stale: true });
  });

  it('come back by themselves when there is a new token', async () => {
    await connect();
    await expect.poll(() => kite.modeOf(INFY), { timeout: 5_000 }).toBe('quote');
    kite.tick(INFY, 1580);
    await expect.poll(() => prices().at(-1)).toMatchObject({ stale: false, price: 1580 });
    expect(kite.open).toBe(1);
    expect(kite.violations).toEqual([]);
  });

  it('end with the cutoff’s revocation of everything, on the broker’s side too', async () => {
    await server.services.revocation.revoker.revoke({ kind: 'sweep', before: Date.now() + 1 }, 'cutoff', {
      actor: 'test',
    });
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'cutoff' });
    await expect.poll(() => kite.open).toBe(0);
    expect(server.logText()).not.toContain(tokens[0]);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { PriceStream } from '../../src/core/price-feed.ts';
import { shareStreams } from '../../src/feed/prices/shared-stream.ts';
import type { Channels } from '../../src/storage/redis-channels.ts';
import type { Leases } from '../../src/storage/redis-leases.ts';
import type { FeedServer } from '../broker/feeds/feed-server.ts';
import { startKiteServer } from '../broker/feeds/kite-server.ts';
import { createTcpProxy, type TcpProxy } from '../faults/support/tcp-proxy.ts';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';
import { openSocket, type SocketClient } from './socket-client.ts';
import { createStreamingAdapter } from './streaming-adapter.ts';

const INFY = '408065';
const SBIN = '779521';
const SECOND = 1_000;
const ORIGIN = { actor: 'test' };
const RAVI = { username: 'ravi', password: 'long-quiet-evening-77', email: 'ravi@example.org' } as const;

describe('The prices of a user on two nodes', { timeout: 60_000 }, () => {
  let kite: FeedServer;
  let redis: RedisServer;
  /** Between each node and Redis. */
  let wires: TcpProxy[];
  let nodes: TestServer[];
  let asha: Visitor;
  let userId: string;
  let tokens: string[];
  const sockets: SocketClient[] = [];

  beforeEach(async () => {
    kite = await startKiteServer();
    redis = await startRedis();
    tokens = [];
    const databaseUrl = await createDatabase({ url: inject('postgresUrl') });
    wires = [await createTcpProxy(redis.port), await createTcpProxy(redis.port)];
    nodes = [];
    for (const { port } of wires)
      nodes.push(
        await startTestServer({
          env: { DATABASE_URL: databaseUrl, REDIS_URL: `redis://127.0.0.1:${port}` },
          adapters: [broker('zerodha', 'Zerodha'), broker('upstox', 'Upstox')],
          jobs: true,
        }),
      );
    asha = createVisitor(node(0).origin);
    await setUp(asha);
    await signIn(asha);
    await importKnownSymbols(node(0).services);
    const { db } = node(0).infrastructure.database;
    ({ id: userId } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow());
    await connectTo('zerodha');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    for (const wire of wires) await wire.heal();
    for (const each of nodes) await each.close();
    for (const wire of wires) wire.close();
    await kite.close();
    await redis.stop();
  });

  function broker(id: string, name: string) {
    return createStreamingAdapter({
      id,
      name,
      prices: kite,
      onToken: (token) => void tokens.push(token),
      feed: { instruments: 'any' },
    });
  }

  function node(index: number): TestServer {
    const found = nodes[index];
    if (found === undefined) throw new Error(`There is no node ${index}`);
    return found;
  }

  async function connectTo(id: string, visitor = asha): Promise<void> {
    const { location } = await visitor.submit(`/broker/${id}/connection`, {}, '/broker');
    const callback = new URL(location);
    await visitor.get(callback.pathname + callback.search);
  }

  async function open(at: number, owner = userId): Promise<SocketClient> {
    const { key } = await issueKey(node(at), owner);
    const socket = await openSocket(node(at).origin, { 'X-API-Key': key });
    sockets.push(socket);
    return socket;
  }

  async function subscribe(socket: SocketClient, symbol: string, rest: object = {}): Promise<void> {
    const id = String(Math.random());
    socket.send({ v: 1, type: 'subscribe', id, symbols: [symbol], ...rest });
    expect(await socket.next((message) => message['id'] === id)).toMatchObject({ type: 'ack' });
  }

  const prices = (socket: SocketClient) => socket.messages.filter(({ type }) => type === 'price');
  const within = (seconds: number) => ({ timeout: seconds * SECOND, interval: 20 });

  /** The socket gets the price that the broker sends from now on. */
  async function gets(socket: SocketClient, price: number, seconds = 5, key = INFY): Promise<void> {
    await expect
      .poll(() => {
        kite.tick(key, price);
        return prices(socket).at(-1);
      }, within(seconds))
      .toMatchObject({ price, stale: false });
  }

  async function openBoth(): Promise<[SocketClient, SocketClient]> {
    const first = await open(0);
    await subscribe(first, 'NSE:INFY');
    await gets(first, 1500);
    const second = await open(1);
    await subscribe(second, 'NSE:INFY');
    await expect.poll(() => prices(second).at(-1), within(5)).toMatchObject({ price: 1500, stale: false });
    return [first, second];
  }

  it('come over one connection, the last one at once to a node that comes later', async () => {
    const [first, second] = await openBoth();
    kite.tick(INFY, 1501);
    for (const socket of [first, second])
      await expect.poll(() => prices(socket).at(-1)).toMatchObject({ symbol: 'NSE:INFY', price: 1501 });
    await subscribe(second, 'NSE:INFY', { mode: 'depth' });
    await expect.poll(() => kite.modeOf(INFY)).toBe('depth');
    kite.tick(INFY, 1502);
    await second.next(({ depth }) => depth !== undefined);
    await expect.poll(() => prices(first).at(-1)).toMatchObject({ mode: 'ltp', price: 1502 });
    expect(prices(first).at(-1)).not.toHaveProperty('volume');
    await subscribe(second, 'NSE:SBIN');
    await gets(second, 800, 5, SBIN);
    await subscribe(first, 'NSE:SBIN');
    await expect.poll(() => prices(first).at(-1)).toMatchObject({ symbol: 'NSE:SBIN', price: 800 });
    expect([kite.handshakes, kite.open]).toEqual([1, 1]);
    expect(kite.violations).toEqual([]);
  });

  it('stay on one node when the other unsubscribes, and the broker hears of what no node wants', async () => {
    const [first, second] = await openBoth();
    second.send({ v: 1, type: 'subscribe', id: 'more', symbols: ['NSE:SBIN'] });
    await expect.poll(() => kite.modeOf(SBIN)).toBe('ltp');
    second.send({ v: 1, type: 'unsubscribe', id: 'infy', symbols: ['NSE:INFY'] });
    await second.next(({ id }) => id === 'infy');
    await gets(first, 1501);
    expect(prices(second).at(-1)).toMatchObject({ price: 1500 });
    second.close();
    await expect.poll(() => kite.modeOf(SBIN)).toBeUndefined();
    await gets(first, 1502);
    first.close();
    await expect.poll(() => kite.open, within(1)).toBe(0);
    expect(kite.handshakes).toBe(1);
    expect(kite.violations).toEqual([]);
  });

  it('are opened by another node when the last reader of the one that has the stream leaves', async () => {
    const [first, second] = await openBoth();
    first.close();
    await expect.poll(() => prices(second).at(-1), within(5)).toMatchObject({ stale: true });
    await gets(second, 1501, 5);
    expect([kite.handshakes, kite.open]).toEqual([2, 1]);
  });

  it('are opened by another node within 15 seconds when the first is cut off, and never by both', async () => {
    const [first, second] = await openBoth();
    let most = 0;
    const counting = setInterval(() => {
      most = Math.max(most, kite.open);
    }, 5);
    wires[0]?.cut();
    await gets(second, 1501, 15);
    await expect.poll(() => prices(first).at(-1), within(5)).toMatchObject({ stale: true });
    await wires[0]?.heal();
    await gets(first, 1502, 15);
    clearInterval(counting);
    expect(prices(second).some(({ stale }) => stale === true)).toBe(true);
    expect([kite.handshakes, kite.open, most]).toEqual([2, 1, 1]);
  });

  it('grow old on both while Redis is away, without another connection, and come back with it', async () => {
    const [first, second] = await openBoth();
    await redis.kill();
    for (const socket of [first, second])
      await expect.poll(() => prices(socket).at(-1), within(12)).toMatchObject({ stale: true });
    expect([kite.handshakes, kite.open]).toEqual([1, 0]);
    await redis.restart();
    await gets(first, 1501, 15);
    await gets(second, 1502, 15);
    expect([kite.handshakes, kite.open]).toEqual([2, 1]);
  });

  it('survive a moment without Redis over the same connection', async () => {
    const [first, second] = await openBoth();
    for (const wire of wires) wire.cut();
    for (const wire of wires) await wire.heal();
    await gets(first, 1501);
    await gets(second, 1502, 10);
    expect(kite.handshakes).toBe(1);
  });

  it('are caught up on by a node that heard nothing for a moment, though no other price comes', async () => {
    const [first, second] = await openBoth();
    wires[1]?.cut();
    kite.tick(INFY, 1501);
    await expect.poll(() => prices(first).at(-1)).toMatchObject({ price: 1501 });
    await wires[1]?.heal();
    await expect.poll(() => prices(second).at(-1), within(12)).toMatchObject({ price: 1501, stale: false });
    expect(kite.handshakes).toBe(1);
  });

  it('end on both nodes and at the broker within a second of a revocation', async () => {
    const [first, second] = await openBoth();
    const at = performance.now();
    await node(1).services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    await expect.poll(() => kite.open, within(1)).toBe(0);
    for (const socket of [first, second]) {
      const closing = await socket.closed;
      expect(closing).toMatchObject({ code: 4401 });
      expect(closing.at - at).toBeLessThan(SECOND);
    }
    await new Promise((resolve) => setTimeout(resolve, 2 * SECOND));
    expect([kite.handshakes, kite.open]).toEqual([1, 0]);
  });

  it('end with a token that the broker rejects, which no node shows again', async () => {
    const [first, second] = await openBoth();
    kite.kill(tokens.at(-1) ?? '');
    for (const socket of [first, second]) {
      await socket.next(({ event }) => event === 'broker_rejected');
      expect(prices(socket).at(-1)).toMatchObject({ stale: true });
    }
    const { handshakes } = kite;
    await new Promise((resolve) => setTimeout(resolve, 3 * SECOND));
    expect(kite.handshakes).toBe(handshakes);
    await signIn(asha);
    await connectTo('zerodha');
    await gets(first, 1501, 10);
    await gets(second, 1502, 10);
    expect(kite.open).toBe(1);
  });

  it('are not shared with those of another broker or user, and no token goes over Redis', async () => {
    await connectTo('upstox');
    const said: string[] = [];
    const spy = new Redis(redis.url);
    await spy.psubscribe('*');
    spy.on('pmessage', (_pattern, channel, text) => void said.push(`${channel} ${text}`));
    const [first, second] = await openBoth();
    for (const socket of [second, first]) await subscribe(socket, 'NSE:INFY', { broker: 'upstox' });
    const brokersOf = (socket: SocketClient) =>
      new Set(prices(socket).flatMap((each) => (each['price'] === 1510 ? [each['broker']] : [])));
    for (const socket of [first, second])
      await expect
        .poll(() => {
          kite.tick(INFY, 1510);
          return brokersOf(socket);
        }, within(5))
        .toEqual(new Set(['zerodha', 'upstox']));
    expect([kite.handshakes, kite.open]).toEqual([2, 2]);
    expect(said.some((each) => each.includes('1510'))).toBe(true);
    await node(0).services.accounts.userAdmin.create({ ...RAVI, role: 'user' }, ORIGIN);
    const ravi = createVisitor(node(1).origin);
    await signIn(ravi, RAVI);
    await connectTo('zerodha', ravi);
    const { db } = node(1).infrastructure.database;
    const found = await db.selectFrom('users').select('id').where('username', '=', RAVI.username).execute();
    const third = await open(1, found[0]?.id);
    await subscribe(third, 'NSE:INFY');
    await gets(third, 1511);
    expect([kite.handshakes, kite.open]).toEqual([3, 3]);
    for (const token of tokens) expect(said.join()).not.toContain(token);
    spy.disconnect();
  });

  it('take nothing from a message that no node wrote', async () => {
    const [, second] = await openBoth();
    const { redis: client } = node(0).infrastructure;
    const channels = (await client?.call('pubsub', 'channels', 'curfew:topic:*')) as string[];
    expect(channels).toHaveLength(1);
    for (const text of [
      'not json',
      '{}',
      '{"from":"x","number":1,"body":{"kind":"ticks","ticks":[{"key":"408065","price":1}]}}',
      '{"from":"x","number":1,"body":{"kind":"end","end":{"kind":"rejected","why":"<script>"}}}',
      '{"from":"x","number":1,"body":{"kind":"want","wants":[["408065","full"]]}}',
    ])
      await client?.publish(channels[0] ?? '', text);
    await gets(second, 1501);
    expect(prices(second).filter(({ price, stale }) => price === 1 || stale === true)).toEqual([]);
    expect(kite.handshakes).toBe(1);
  });
});

describe('The stream of a new token', () => {
  it('is not opened while another node, which has not heard of it, has that of the old one', async () => {
    const holders = new Map<string, string>();
    const leases: Leases = {
      async hold(name, holder) {
        if (!holders.has(name)) holders.set(name, holder);
        return holders.get(name) === holder;
      },
      async release(name, holder) {
        if (holders.get(name) === holder) holders.delete(name);
      },
    };
    const channels: Channels = {
      listen: async () => undefined,
      leave: () => undefined,
      publish: async () => undefined,
      close: () => undefined,
    };
    const atBroker: string[] = [];
    async function open(version: string): Promise<PriceStream> {
      const readPass = shareStreams(
        async () => ({
          kind: 'pass',
          version,
          expiresAt: Number.POSITIVE_INFINITY,
          reportRejected: async () => true,
          connect() {
            atBroker.push(`open ${version}`);
            const [subscribe, setMode, unsubscribe] = [vi.fn(), vi.fn(), vi.fn()];
            return { subscribe, setMode, unsubscribe, end: () => void atBroker.push(`end ${version}`) };
          },
        }),
        { channels, leases, clock: systemClock },
      );
      const pass = await readPass('asha', 'zerodha');
      if (pass.kind !== 'pass') throw new Error('No pass');
      return pass.connect({ onOpen: vi.fn(), onTicks: vi.fn(), onEnd: vi.fn() });
    }

    const old = await open('old');
    await expect.poll(() => atBroker).toEqual(['open old']);
    const fresh = await open('new');
    await sleep(1.5 * SECOND);
    expect(atBroker).toEqual(['open old']);
    old.end();
    await expect.poll(() => atBroker, { timeout: 5 * SECOND }).toEqual(['open old', 'end old', 'open new']);
    fresh.end();
  });
});

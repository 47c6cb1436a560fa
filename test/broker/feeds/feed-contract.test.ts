import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUpstoxFeed, isOfSameBroker } from '../../../src/broker/feeds/upstox/upstox-feed.ts';
import { PRICE_MODES, type PriceStream, type StreamEnd, type Tick } from '../../../src/core/price-feed.ts';
import { startDhanServer } from './dhan-server.ts';
import type { FeedServer } from './feed-server.ts';
import { startKiteServer } from './kite-server.ts';
import { startUpstoxServer } from './upstox-server.ts';

describe.each([
  ['Kite', startKiteServer],
  ['Upstox', startUpstoxServer],
  ['Dhan', startDhanServer],
] as const)('The stream of %s, against a server that holds to its documentation', (name, start) => {
  let server: FeedServer;
  let keys: readonly string[];
  const streams: PriceStream[] = [];

  beforeEach(async () => {
    server = await start();
    keys = server.instruments.map((instrument) => server.feed.keyOf(instrument) ?? 'none');
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.end();
    await server.close();
  });

  function connect(token: string, credentials = server.credentials, take?: () => void) {
    const ticks: Tick[] = [];
    const ends: StreamEnd[] = [];
    const opened = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<StreamEnd>();
    const stream = server.feed.connect(
      { token, credentials },
      {
        onOpen: opened.resolve,
        onTicks(news) {
          take?.();
          ticks.push(...news);
        },
        onEnd(end) {
          ends.push(end);
          ended.resolve(end);
        },
      },
    );
    streams.push(stream);
    return { stream, ticks, ends, opened: opened.promise, ended: ended.promise };
  }

  it('brings what each mode has, in rupees', async () => {
    const { stream, ticks, opened } = connect(server.issueToken());
    await opened;
    for (const [index, mode] of PRICE_MODES.entries()) stream.subscribe([keys[index] ?? ''], mode);
    await expect.poll(() => server.modeOf(keys[2] ?? '')).toBeDefined();
    for (const key of keys) server.tick(key, 1573.15);
    await expect.poll(() => ticks.length).toBe(3);
    const [ltp, quote, depth] = ticks;
    expect(ltp).toMatchObject({ key: keys[0], price: 1573.15 });
    expect(ltp).not.toHaveProperty('volume');
    expect(quote).toMatchObject({
      key: keys[1],
      price: 1573.15,
      averagePrice: 1570.33,
      volume: 1_175_986,
      lastQuantity: 5,
      open: 1569.15,
      high: 1575,
      low: 1561.05,
      close: 1567.8,
    });
    expect(depth).toMatchObject({ key: keys[2], at: 1_795_494_600_000 });
    expect(depth?.depth?.buy.map(({ price }) => price)).toEqual([1573.1, 1573.05, 1573, 1572.95, 1572.9]);
    expect(depth?.depth?.sell.map(({ price }) => price)).toEqual([1573.2, 1573.25, 1573.3, 1573.35, 1573.4]);
    expect(server.violations).toEqual([]);
  });

  it('changes modes and unsubscribes as documented', async () => {
    const { stream, opened } = connect(server.issueToken());
    await opened;
    const [first = '', second = ''] = keys;
    stream.subscribe([first, second], 'ltp');
    await expect.poll(() => server.modeOf(second)).toBe('ltp');
    stream.setMode([first], 'depth');
    await expect.poll(() => server.modeOf(first)).toMatch(/full|depth/);
    stream.setMode([first], 'ltp');
    await expect.poll(() => server.modeOf(first)).toBe('ltp');
    stream.unsubscribe([first]);
    await expect.poll(() => server.modeOf(first)).toBeUndefined();
    expect(server.modeOf(second)).toBe('ltp');
    expect(server.violations).toEqual([]);
  });

  it('subscribes to a thousand instruments within what a message may hold', async () => {
    const { stream, opened } = connect(server.issueToken());
    await opened;
    const [example] = server.instruments;
    if (example === undefined) throw new Error('No instrument');
    const many = Array.from({ length: 1_000 }, (_, index) =>
      server.feed.keyOf({
        ...example,
        instrumentToken: example.instrumentToken.includes('|') ? `NSE_EQ|ID${index}` : String(1_000 + index),
      }),
    ).filter((key) => key !== undefined);
    stream.subscribe(many, 'quote');
    await expect.poll(() => server.modeOf(many.at(-1) ?? '')).toBeDefined();
    expect(server.violations).toEqual([]);
  });

  it('ends as rejected with a token that the broker does not know, and is not open', async () => {
    const { ended, ticks } = connect('no-such-token');
    expect(await ended).toMatchObject({ kind: 'rejected' });
    await expect.poll(() => server.open).toBe(0);
    expect(ticks).toEqual([]);
  });

  it('ends when its token does, and then is rejected', async () => {
    const token = server.issueToken();
    const { opened, ended, ends } = connect(token);
    await opened;
    server.kill(token);
    expect((await ended).kind).toBe(name === 'Dhan' ? 'rejected' : 'lost');
    expect(await connect(token).ended).toMatchObject({ kind: 'rejected' });
    await sleep(50);
    expect(ends).toHaveLength(1);
  });

  it('is lost with its connection, once', async () => {
    const { opened, ended, ends } = connect(server.issueToken());
    await opened;
    server.cut();
    expect(await ended).toMatchObject({ kind: 'lost' });
    await sleep(50);
    expect(ends).toHaveLength(1);
  });

  it('is lost, and the process is not, where what it says cannot be taken', async () => {
    const { stream, opened, ended } = connect(server.issueToken(), server.credentials, () => {
      throw new RangeError('No such date');
    });
    await opened;
    stream.subscribe(keys, 'ltp');
    await expect.poll(() => server.modeOf(keys[0] ?? '')).toBe('ltp');
    server.tick(keys[0] ?? '', 10);
    expect(await ended).toEqual({ kind: 'lost', why: 'garbled' });
  });

  it('is lost where nobody is', async () => {
    const token = server.issueToken();
    await server.close();
    expect(await connect(token).ended).toMatchObject({ kind: 'lost' });
  });

  it('leaves no connection behind, however often it is opened and ended, and tells its listener nothing', async () => {
    const token = server.issueToken();
    for (let round = 0; round < 20; round += 1) {
      const { stream, opened, ends } = connect(token);
      if (round % 2 === 0) await opened;
      stream.end();
      stream.end();
      await expect.poll(() => server.open).toBe(0);
      expect(ends).toEqual([]);
    }
  });

  it('survives bytes that mean nothing', async () => {
    const { stream, ticks, ends, opened } = connect(server.issueToken());
    await opened;
    stream.subscribe([keys[0] ?? ''], 'ltp');
    await expect.poll(() => server.modeOf(keys[0] ?? '')).toBe('ltp');
    // Its first byte is none of a packet's that says goodbye.
    for (let length = 0; length < 400; length += 1)
      server.sendRaw(Buffer.concat([Buffer.from([0]), randomBytes(length)]));
    server.tick(keys[0] ?? '', 10);
    await expect.poll(() => ticks.some(({ key, price }) => key === keys[0] && price === 10)).toBe(true);
    expect(ends).toEqual([]);
  });
});

describe('The stream of Upstox', () => {
  async function endOf(answer: RequestListener): Promise<StreamEnd> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { promise, resolve } = Promise.withResolvers<StreamEnd>();
    const { port } = server.address() as AddressInfo;
    createUpstoxFeed(`http://127.0.0.1:${port}/authorize`).connect(
      { token: 'token', credentials: {} },
      { onOpen: () => undefined, onTicks: () => undefined, onEnd: resolve },
    );
    const end = await promise;
    server.close();
    return end;
  }

  const answering =
    (uri: string): RequestListener =>
    (_req, res) =>
      void res.end(JSON.stringify({ data: { authorized_redirect_uri: uri } }));

  it('is lost where its address is none of a WebSocket', async () => {
    expect(await endOf(answering('ws://127.0.0.1/#part'))).toEqual({ kind: 'lost', why: 'garbled_response' });
  });

  it.each([401, 403])('is rejected where its token is refused with %i and a page', async (status) => {
    const end = await endOf((_req, res) => {
      res.writeHead(status, { 'content-type': 'text/html' });
      res.end('<html><h1>Unauthorized</h1></html>');
    });
    expect(end).toEqual({ kind: 'rejected', why: `status_${status}` });
  });

  it('is lost, and the token kept, where a page comes that refuses nothing', async () => {
    expect(await endOf((_req, res) => void res.end('<html></html>'))).toMatchObject({ kind: 'lost' });
  });

  it.each(['ws://feed.example/', 'wss://upstox.com.example/', 'https://127.0.0.1/', 'http://127.0.0.1/'])(
    'is not opened at %s, which is not the broker',
    async (uri) => {
      expect(await endOf(answering(uri))).toEqual({ kind: 'lost', why: 'foreign_address' });
    },
  );

  it.each([
    ['wss://wsfeeder-api.upstox.com/feed?code=1', true],
    ['ws://wsfeeder-api.upstox.com/feed?code=1', false],
    ['wss://upstox.com.example/feed?code=1', false],
    ['wss://notupstox.com/feed?code=1', false],
  ])('of Upstox itself: may %s be opened? %s', (uri, may) => {
    const asked = new URL('https://api.upstox.com/v3/feed/market-data-feed/authorize');
    expect(isOfSameBroker(new URL(uri), asked)).toBe(may);
  });
});

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createFeedSocket, type FeedSocket, FeedWebSocket } from '../../src/feed/feed-socket.ts';

const SECOND = 1_000;
const OWNER = {
  userId: 'asha',
  username: 'asha',
  sid: undefined,
  key: undefined,
  epoch: 0,
  loginTime: 0,
  endsAt: Number.POSITIVE_INFINITY,
};

describe('An open socket', () => {
  let server: Server;
  let client: WebSocket;
  let socket: FeedSocket;
  let now: number;

  beforeEach(async () => {
    now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    server = createServer();
    const sockets = new WebSocketServer({ noServer: true, WebSocket: FeedWebSocket });
    const opened = Promise.withResolvers<FeedSocket>();
    server.on('upgrade', (req, connection: Socket, head) =>
      sockets.handleUpgrade(req, connection, head, (ws) =>
        opened.resolve(createFeedSocket({ ws, connection, owner: OWNER })),
      ),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    client.on('error', () => undefined);
    await once(client, 'open');
    socket = await opened.promise;
  });
  afterEach(async () => {
    client.terminate();
    server.close();
  });

  const tendAt = (seconds: number): void => {
    now = seconds * SECOND;
    socket.tend();
  };

  it('stays open while its client answers', async () => {
    const heard = vi.fn();
    client.on('ping', heard);
    for (const seconds of [19, 20, 40, 60, 80]) {
      tendAt(seconds);
      await sleep(20);
    }
    expect(heard).toHaveBeenCalledTimes(4);
    expect(client.readyState).toBe(client.OPEN);
  });

  it('is closed with 4408 when two pongs are missing', async () => {
    client.pong = () => undefined;
    const closed = once(client, 'close');
    tendAt(20);
    tendAt(40);
    tendAt(59);
    expect(client.readyState).toBe(client.OPEN);
    tendAt(60);
    expect((await closed)[0]).toBe(4408);
  });

  it('keeps the latest price of each symbol for a client that does not read, and no more', async () => {
    client.pause();
    const filler = 'x'.repeat(1_000);
    for (let count = 0; count < 20_000; count += 1)
      for (const symbol of ['INFY', 'TCS'])
        socket.sendLatest(symbol, JSON.stringify({ type: 'price', symbol, count, filler }));
    const prices: { symbol: string; count: number }[] = [];
    client.on('message', (data: Buffer) => void prices.push(JSON.parse(data.toString())));
    client.resume();
    await expect.poll(() => prices.filter(({ count }) => count === 19_999).length).toBe(2);
    expect(prices.length).toBeLessThan(20_000);
    for (const symbol of ['INFY', 'TCS']) {
      const counts = prices.filter((price) => price.symbol === symbol).map(({ count }) => count);
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    }
  });

  it('is closed when its client has read nothing for a minute', async () => {
    const ended = vi.fn();
    socket.onEnd(ended);
    client.pause();
    for (let count = 0; count < 20_000; count += 1) socket.sendLatest(String(count), 'x'.repeat(1_000));
    await sleep(100);
    tendAt(1);
    await sleep(20);
    tendAt(19);
    expect(ended).not.toHaveBeenCalled();
    tendAt(80);
    expect(ended).toHaveBeenCalledOnce();
  });

  it('says nothing after its end', async () => {
    const heard: string[] = [];
    client.on('message', (data: Buffer) => void heard.push(JSON.parse(data.toString()).type));
    socket.end({ code: 4401, reason: 'cutoff' });
    socket.sendLatest('INFY', '{"type":"price"}');
    socket.send({ v: 1, type: 'ack', id: 'x', time: '' });
    const [code, reason] = await once(client, 'close');
    expect([code, String(reason), heard]).toEqual([4401, 'cutoff', ['bye']]);
  });

  it('is cut off when its client does not answer the close', async () => {
    vi.spyOn(performance, 'now').mockRestore();
    client.pause();
    const [connection] = await new Promise<[number]>((resolve) =>
      server.getConnections((_, count) => resolve([count])),
    );
    expect(connection).toBe(1);
    socket.end({ code: 4401, reason: 'revoked' });
    const count = () => new Promise<number>((resolve) => server.getConnections((_, open) => resolve(open)));
    await expect.poll(count, { timeout: 5_000 }).toBe(0);
  });
});

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { createFeedSocket, type FeedSocket, FeedWebSocket } from '../../src/feed/feed-socket.ts';
import { createPriceBook } from '../../src/feed/prices/price-book.ts';
import { priceFrame } from '../../src/feed/prices/price-frame.ts';

/** Sends the prices of 50 symbols to all its clients: as Curfew does, or with ws alone and nothing else. */
const SYMBOLS = Array.from({ length: 50 }, (_, index) => `NSE:SYMBOL${index}`);

const AT = 1_795_494_600_000;
const OWNER = {
  userId: 'bench',
  username: 'bench',
  sid: undefined,
  key: undefined,
  epoch: 0,
  loginTime: 0,
  endsAt: Number.POSITIVE_INFINITY,
};

const question = await new Promise<{ readonly how: 'curfew' | 'bare' }>((resolve) =>
  process.once('message', (message) => resolve(message as { how: 'curfew' | 'bare' })),
);
const isCurfew = question.how === 'curfew';
const book = createPriceBook('bench');
const bare = new Set<WebSocket>();
const feed = new Set<FeedSocket>();
const sockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  ...(isCurfew ? { WebSocket: FeedWebSocket } : {}),
});
const server = createServer().listen(0, '127.0.0.1');
server.on('upgrade', (req, connection: Socket, head) =>
  sockets.handleUpgrade(req, connection, head, (ws) => {
    bare.add(ws);
    if (!(ws instanceof FeedWebSocket)) return;
    const socket = createFeedSocket({ ws, connection, owner: OWNER });
    feed.add(socket);
    for (const symbol of SYMBOLS) book.put(socket, { key: symbol, symbol, exchange: 'NSE' }, 'ltp');
  }),
);
await once(server, 'listening');
process.send?.({ port: (server.address() as AddressInfo).port });
process.on('message', (message) => void run((message as { rounds: number }).rounds));

/** The next tick of all symbols goes out when the one before has: so each client gets each frame, however slow the machine is. */
async function run(rounds: number): Promise<void> {
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    if (isCurfew) tickCurfew(round);
    else tickBare(round);
    await drained();
  }
  const { user, system } = process.cpuUsage(before);
  process.send?.({ cpuMs: (user + system) / 1_000 });
}

function tickCurfew(round: number): void {
  book.apply(
    SYMBOLS.map((key) => ({ key, price: 1_000 + round })),
    AT,
  );
}

function tickBare(round: number): void {
  for (const symbol of SYMBOLS) {
    const last = { price: 1_000 + round, at: AT, stale: false };
    const frame = priceFrame({ broker: 'bench', symbol }, 'ltp', last);
    for (const ws of bare) if (ws.readyState === WebSocket.OPEN) ws.send(frame);
  }
}

async function drained(): Promise<void> {
  for (;;) {
    await nextTurn();
    let isEmpty = true;
    for (const ws of bare) if (ws.bufferedAmount > 0) isEmpty = false;
    if (isEmpty) return;
  }
}

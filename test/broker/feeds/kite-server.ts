import type { WebSocket } from 'ws';
import { z } from 'zod';
import { createKiteFeed } from '../../../src/broker/feeds/zerodha/kite-feed.ts';
import type { PriceMode } from '../../../src/core/price-feed.ts';
import { type FeedServer, startSocketServer } from './feed-server.ts';

const API_KEY = 'kiteapikey123456';
const MOST_SOCKETS = 3;
const MOST_INSTRUMENTS = 3_000;
const MODES = { ltp: 'ltp', quote: 'quote', full: 'depth' } as const;

const tokens = z.array(z.int());
const messageSchema = z.discriminatedUnion('a', [
  z.strictObject({ a: z.literal('subscribe'), v: tokens }),
  z.strictObject({ a: z.literal('unsubscribe'), v: tokens }),
  z.strictObject({ a: z.literal('mode'), v: z.tuple([z.enum(['ltp', 'quote', 'full']), tokens]) }),
]);

/** A packet of one instrument, as long as its mode makes it. */
export function kitePacket(token: number, price: number, mode: PriceMode): Buffer {
  const packet = Buffer.alloc({ ltp: 8, quote: 44, depth: 184 }[mode]);
  packet.writeUInt32BE(token, 0);
  packet.writeInt32BE(Math.round(price * 100), 4);
  if (mode === 'ltp') return packet;
  for (const [offset, value] of [
    [8, 5],
    [12, 157_033],
    [16, 1_175_986],
    [28, 156_915],
    [32, 157_500],
    [36, 156_105],
    [40, 156_780],
  ] as const)
    packet.writeInt32BE(value, offset);
  if (mode === 'quote') return packet;
  packet.writeInt32BE(1_795_494_600, 60);
  for (let level = 0; level < 10; level += 1) {
    const at = 64 + level * 12;
    packet.writeInt32BE(100 + level, at);
    packet.writeInt32BE(Math.round(price * 100) + (level < 5 ? -5 * (level + 1) : 5 * (level - 4)), at + 4);
    packet.writeUInt16BE(level + 1, at + 8);
  }
  return packet;
}

export function kiteMessage(...packets: readonly Buffer[]): Buffer {
  const head = (length: number): Buffer => Buffer.from([length >> 8, length & 0xff]);
  return Buffer.concat([head(packets.length), ...packets.flatMap((each) => [head(each.length), each])]);
}

/** https://kite.trade/docs/connect/v3/websocket */
export async function startKiteServer(): Promise<FeedServer> {
  const alive = new Set<string>();
  const violations: string[] = [];
  const subscriptions = new Map<WebSocket, Map<number, PriceMode>>();
  const tokenOf = new Map<WebSocket, string>();
  let issued = 0;

  function take(socket: WebSocket, text: string): void {
    const parsed = messageSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return void violations.push(`not understood: ${text}`);
    const modes = subscriptions.get(socket) ?? new Map<number, PriceMode>();
    const { data } = parsed;
    if (data.a === 'mode') {
      const [mode, wanted] = data.v;
      for (const token of wanted) {
        if (!modes.has(token)) violations.push(`mode of ${token}, which is not subscribed`);
        modes.set(token, MODES[mode]);
      }
      return;
    }
    for (const token of data.v)
      if (data.a === 'subscribe') modes.set(token, 'quote');
      else if (!modes.delete(token)) violations.push(`unsubscribes ${token}, which is not subscribed`);
    if (modes.size > MOST_INSTRUMENTS) violations.push('too many instruments');
  }

  const server = await startSocketServer({
    refuse({ searchParams }, req) {
      const isGood =
        searchParams.get('api_key') === API_KEY && alive.has(searchParams.get('access_token') ?? '');
      if (!isGood || req.headers['x-kite-version'] !== '3') return 403;
      return server.sockets.size >= MOST_SOCKETS ? 429 : undefined;
    },
    onSocket(socket, { searchParams }) {
      subscriptions.set(socket, new Map());
      tokenOf.set(socket, searchParams.get('access_token') ?? '');
      const beating = setInterval(() => socket.send(Buffer.from([0])), 1_000);
      socket.on('close', () => clearInterval(beating));
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (isBinary) violations.push('a binary message');
        else take(socket, data.toString());
      });
    },
  });

  return {
    feed: createKiteFeed(`ws://${server.host}`),
    credentials: { apiKey: API_KEY, apiSecret: 'unused' },
    instruments: [408_065, 779_521, 256_265].map((token) => ({
      exchange: 'NSE',
      tradingSymbol: `T${token}`,
      instrumentToken: String(token),
      segment: 'NSE',
      instrumentType: 'EQ',
    })),
    issueToken() {
      issued += 1;
      alive.add(`kite-${issued}`);
      return `kite-${issued}`;
    },
    kill(token) {
      alive.delete(token);
      for (const [socket, its] of tokenOf) if (its === token) socket.close();
    },
    modeOf: (key) =>
      [...subscriptions]
        .filter(([socket]) => server.sockets.has(socket))
        .map(([, modes]) => modes.get(Number(key)))[0],
    tick(key, price) {
      for (const [socket, modes] of subscriptions) {
        const mode = modes.get(Number(key));
        if (mode !== undefined) socket.send(kiteMessage(kitePacket(Number(key), price, mode)));
      }
    },
    sendRaw: (data) => server.sockets.forEach((socket) => void socket.send(data)),
    cut: () => server.sockets.forEach((socket) => void socket.terminate()),
    get handshakes() {
      return server.handshakes;
    },
    get open() {
      return server.sockets.size;
    },
    violations,
    close: server.close,
  };
}

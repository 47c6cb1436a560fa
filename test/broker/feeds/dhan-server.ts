import type { WebSocket } from 'ws';
import { z } from 'zod';
import { createDhanFeed } from '../../../src/broker/feeds/dhan/dhan-feed.ts';
import type { PriceMode } from '../../../src/core/price-feed.ts';
import { type FeedServer, startSocketServer } from './feed-server.ts';

const CLIENT_ID = '1100000000';
const MOST_SOCKETS = 5;
const MOST_INSTRUMENTS = 5_000;
const MOST_IN_MESSAGE = 100;
const SUBSCRIBES = new Map<number, PriceMode>([
  [15, 'ltp'],
  [17, 'quote'],
  [21, 'depth'],
]);
const DISCONNECT = 12;

const requestSchema = z.union([
  z.strictObject({ RequestCode: z.literal(DISCONNECT) }),
  z.strictObject({
    RequestCode: z.int(),
    InstrumentCount: z.int().min(1).max(MOST_IN_MESSAGE),
    InstrumentList: z.array(z.strictObject({ ExchangeSegment: z.string(), SecurityId: z.string() })),
  }),
]);

function head(code: number, bytes: number, securityId: number): Buffer {
  const packet = Buffer.alloc(bytes);
  packet.writeUInt8(code, 0);
  packet.writeUInt16LE(bytes, 1);
  packet.writeUInt8(1, 3);
  packet.writeUInt32LE(securityId, 4);
  return packet;
}

/** Of NSE_EQ. */
export function dhanPacket(securityId: number, price: number, mode: PriceMode): Buffer {
  const packet = head(
    { ltp: 2, quote: 4, depth: 8 }[mode],
    { ltp: 16, quote: 50, depth: 162 }[mode],
    securityId,
  );
  packet.writeFloatLE(price, 8);
  if (mode === 'ltp') {
    packet.writeUInt32LE(1_795_494_600, 12);
    return packet;
  }
  packet.writeUInt16LE(5, 12);
  packet.writeUInt32LE(1_795_494_600, 14);
  packet.writeFloatLE(1570.33, 18);
  packet.writeUInt32LE(1_175_986, 22);
  const day = mode === 'quote' ? 34 : 46;
  for (const [index, value] of [1569.15, 1567.8, 1575, 1561.05].entries())
    packet.writeFloatLE(value, day + index * 4);
  if (mode === 'quote') return packet;
  for (let level = 0; level < 5; level += 1) {
    const at = 62 + level * 20;
    packet.writeUInt32LE(100 + level, at);
    packet.writeUInt32LE(200 + level, at + 4);
    packet.writeUInt16LE(level + 1, at + 8);
    packet.writeUInt16LE(level + 2, at + 10);
    packet.writeFloatLE(price - (level + 1) / 20, at + 12);
    packet.writeFloatLE(price + (level + 1) / 20, at + 16);
  }
  return packet;
}

export function dhanGoodbye(reason: number): Buffer {
  const packet = head(50, 10, 0);
  packet.writeUInt16LE(reason, 8);
  return packet;
}

/** https://dhanhq.co/docs/v2/live-market-feed */
export async function startDhanServer(): Promise<FeedServer> {
  const alive = new Set<string>();
  const expired = new Set<string>();
  const violations: string[] = [];
  const subscriptions = new Map<WebSocket, Map<string, PriceMode>>();
  const tokenOf = new Map<WebSocket, string>();
  let issued = 0;

  function turnAway(socket: WebSocket, reason: number): void {
    socket.send(dhanGoodbye(reason));
    socket.close();
  }

  function take(socket: WebSocket, text: string): void {
    const parsed = requestSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return void violations.push(`not understood: ${text}`);
    const { data } = parsed;
    if (!('InstrumentList' in data)) return void socket.close();
    const { RequestCode: code, InstrumentCount: count, InstrumentList: list } = data;
    if (count !== list.length) violations.push('a wrong count');
    const modes = subscriptions.get(socket) ?? new Map<string, PriceMode>();
    const mode = SUBSCRIBES.get(code);
    for (const { ExchangeSegment, SecurityId } of list) {
      const key = `${ExchangeSegment}:${SecurityId}`;
      if (mode !== undefined) modes.set(key, mode);
      else if (modes.get(key) === SUBSCRIBES.get(code - 1)) modes.delete(key);
      else violations.push(`unsubscribes ${key} by ${code}`);
    }
    if (modes.size > MOST_INSTRUMENTS) violations.push('too many instruments');
  }

  const server = await startSocketServer({
    refuse: ({ searchParams }) =>
      searchParams.get('version') === '2' && searchParams.get('authType') === '2' ? undefined : 400,
    onSocket(socket, { searchParams }) {
      const token = searchParams.get('token') ?? '';
      if (searchParams.get('clientId') !== CLIENT_ID) return turnAway(socket, 808);
      if (!alive.has(token)) return turnAway(socket, expired.has(token) ? 807 : 809);
      const [oldest] = server.sockets;
      if (server.sockets.size > MOST_SOCKETS && oldest !== undefined) turnAway(oldest, 805);
      subscriptions.set(socket, new Map());
      tokenOf.set(socket, token);
      const pinging = setInterval(() => socket.ping(), 10_000);
      socket.on('close', () => clearInterval(pinging));
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (isBinary) violations.push('a binary message');
        else take(socket, data.toString());
      });
    },
  });

  return {
    feed: createDhanFeed(`ws://${server.host}`),
    credentials: { clientId: CLIENT_ID, apiKey: 'unused', apiSecret: 'unused' },
    instruments: ['1594', '3045', '13'].map((instrumentToken) => ({
      exchange: 'NSE',
      tradingSymbol: `D${instrumentToken}`,
      instrumentToken,
      segment: 'NSE_EQ',
      instrumentType: 'EQ',
    })),
    issueToken() {
      issued += 1;
      alive.add(`dhan-${issued}`);
      return `dhan-${issued}`;
    },
    kill(token) {
      alive.delete(token);
      expired.add(token);
      for (const [socket, its] of tokenOf) if (its === token) turnAway(socket, 807);
    },
    modeOf: (key) => [...subscriptions].find(([socket]) => server.sockets.has(socket))?.[1].get(key),
    tick(key, price) {
      for (const [socket, modes] of subscriptions) {
        const mode = modes.get(key);
        if (mode !== undefined) socket.send(dhanPacket(Number(key.split(':')[1]), price, mode));
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

import { create, toBinary } from '@bufbuild/protobuf';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import {
  type FeedResponse,
  FeedResponseSchema,
} from '../../../src/broker/feeds/upstox/market-data-feed_pb.ts';
import { createUpstoxFeed } from '../../../src/broker/feeds/upstox/upstox-feed.ts';
import { type FeedServer, startSocketServer } from './feed-server.ts';

const MOST_SOCKETS = 2;
const MOST_KEYS = 2_000;

const messageSchema = z.strictObject({
  guid: z.string().min(1),
  method: z.enum(['sub', 'change_mode', 'unsub']),
  data: z.strictObject({
    mode: z.enum(['ltpc', 'full', 'option_greeks', 'full_d30']).optional(),
    instrumentKeys: z.array(z.string().regex(/^[A-Z_]+\|.+$/)).min(1),
  }),
});
type Mode = NonNullable<z.infer<typeof messageSchema>['data']['mode']>;

type FeedInit = Parameters<typeof create<typeof FeedResponseSchema>>[1];

export const upstoxMessage = (message: FeedInit): Buffer =>
  Buffer.from(toBinary(FeedResponseSchema, create(FeedResponseSchema, message)));

export function upstoxTick(key: string, price: number, mode: Mode): Buffer {
  const ltpc = { ltp: price, ltt: 1_795_494_600_000n, ltq: 5n, cp: 1567.8 };
  const content: NonNullable<FeedResponse['feeds'][string]>['content'] | object =
    mode === 'ltpc'
      ? { case: 'ltpc', value: ltpc }
      : {
          case: 'fullFeed',
          value: {
            content: {
              case: 'marketFF',
              value: {
                ltpc,
                marketLevel: {
                  bidAskQuote: [1, 2, 3, 4, 5].map((level) => ({
                    bidQ: BigInt(level),
                    bidP: Math.round(price * 100 - level * 5) / 100,
                    askQ: BigInt(level),
                    askP: Math.round(price * 100 + level * 5) / 100,
                  })),
                },
                marketOHLC: {
                  ohlc: [
                    { interval: 'I1', open: 1, high: 1, low: 1, close: 1 },
                    { interval: '1d', open: 1569.15, high: 1575, low: 1561.05, close: price },
                  ],
                },
                atp: 1570.33,
                vtt: 1_175_986n,
              },
            },
          },
        };
  return upstoxMessage({ type: 1, feeds: { [key]: { content } } } as FeedInit);
}

/** https://upstox.com/developer/api-documentation/v3/get-market-data-feed */
export async function startUpstoxServer(): Promise<FeedServer> {
  const alive = new Set<string>();
  const codes = new Map<string, string>();
  const violations: string[] = [];
  const subscriptions = new Map<WebSocket, Map<string, Mode>>();
  const tokenOf = new Map<WebSocket, string>();
  let issued = 0;

  function take(socket: WebSocket, text: string): void {
    const parsed = messageSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return void violations.push(`not understood: ${text}`);
    const { method, data } = parsed.data;
    const modes = subscriptions.get(socket) ?? new Map<string, Mode>();
    for (const key of data.instrumentKeys) {
      if (method !== 'sub' && !modes.has(key))
        violations.push(`${method} of ${key}, which is not subscribed`);
      if (method === 'unsub') modes.delete(key);
      else if (data.mode === undefined) violations.push(`${method} without a mode`);
      else modes.set(key, data.mode);
    }
    if (modes.size > MOST_KEYS) violations.push('too many keys');
  }

  const server = await startSocketServer({
    onRequest(req, res) {
      const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
      if (req.url !== '/authorize' || !alive.has(token)) {
        res.writeHead(401, { 'content-type': 'application/json' });
        return void res.end(JSON.stringify({ status: 'error', errors: [{ errorCode: 'UDAPI100050' }] }));
      }
      issued += 1;
      codes.set(`code-${issued}`, token);
      const uri = `ws://${server.host}/feed?code=code-${issued}`;
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ status: 'success', data: { authorized_redirect_uri: uri } }));
    },
    refuse({ searchParams }) {
      if (!codes.has(searchParams.get('code') ?? '')) return 403;
      return server.sockets.size >= MOST_SOCKETS ? 429 : undefined;
    },
    onSocket(socket, { searchParams }) {
      const code = searchParams.get('code') ?? '';
      tokenOf.set(socket, codes.get(code) ?? '');
      codes.delete(code);
      subscriptions.set(socket, new Map());
      socket.send(upstoxMessage({ type: 2, marketInfo: { segmentStatus: { NSE_EQ: 2 } } }));
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (isBinary) take(socket, data.toString());
        else violations.push('a text message');
      });
    },
  });

  return {
    feed: createUpstoxFeed(`http://${server.host}/authorize`),
    credentials: { apiKey: 'unused', apiSecret: 'unused' },
    instruments: ['NSE_EQ|INE009A01021', 'NSE_EQ|INE062A01020', 'NSE_INDEX|Nifty 50'].map(
      (instrumentToken) => ({
        exchange: 'NSE',
        tradingSymbol: instrumentToken,
        instrumentToken,
        segment: 'NSE_EQ',
        instrumentType: 'EQ',
      }),
    ),
    issueToken() {
      issued += 1;
      alive.add(`upstox-${issued}`);
      return `upstox-${issued}`;
    },
    kill(token) {
      alive.delete(token);
      for (const [socket, its] of tokenOf) if (its === token) socket.close();
    },
    modeOf(key) {
      const mode = [...subscriptions].find(([socket]) => server.sockets.has(socket))?.[1].get(key);
      return mode === 'ltpc' ? 'ltp' : mode === undefined ? undefined : 'full';
    },
    tick(key, price) {
      for (const [socket, modes] of subscriptions) {
        const mode = modes.get(key);
        if (mode !== undefined) socket.send(upstoxTick(key, price, mode));
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

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { SECOND_MS } from '../../../core/duration.ts';
import type { PriceFeed, PriceMode, StreamEnd, StreamListener, Tick } from '../../../core/price-feed.ts';
import { callBroker } from '../../adapters/call-broker.ts';
import { type BrokerSocket, endOfStatus, openBrokerSocket } from '../broker-socket.ts';

const PUBLISHED = 'https://api.upstox.com/v3/feed/market-data-feed/authorize';
/** In the mode `full`, and of any mode beside others. */
const MOST_INSTRUMENTS = 2_000;
const SILENT_AFTER_MS = 40 * SECOND_MS;

/** `full` has the order book and the figures of the day; there is no mode with these alone. */
const MODES: Readonly<Record<PriceMode, string>> = { ltp: 'ltpc', quote: 'full', depth: 'full' };

const authorizationSchema = z.object({
  data: z.object({ authorized_redirect_uri: z.string() }),
});

/** Upstox's market data feed v3 (https://upstox.com/developer/api-documentation/v3/get-market-data-feed). */
export function createUpstoxFeed(authorizeUrl: string = PUBLISHED): PriceFeed {
  /** An address that opens one socket, once. */
  async function authorize(token: string): Promise<URL | StreamEnd> {
    const headers = { authorization: `Bearer ${token}` };
    const asked = new URL(authorizeUrl);
    // A proxy in front of the broker may refuse a token with a page.
    const answer = await callBroker(asked, { method: 'GET', headers, takesAnyBody: true });
    if (answer.kind !== 'answer') return { kind: 'lost', why: answer.why };
    const parsed = authorizationSchema.safeParse(answer.body);
    const url = parsed.success ? URL.parse(parsed.data.data.authorized_redirect_uri) : null;
    if (url === null) return endOfStatus(answer.status);
    return isOfSameBroker(url, asked) ? url : { kind: 'lost', why: 'foreign_address' };
  }

  return {
    mostInstruments: MOST_INSTRUMENTS,
    instruments: 'own',
    keyOf: ({ instrumentToken }) => (instrumentToken.includes('|') ? instrumentToken : undefined),
    connect({ token }, listener) {
      let socket: BrokerSocket | undefined;
      let hasEnded = false;
      // The decoder of Protocol Buffers is loaded with the first stream.
      Promise.all([authorize(token), import('./upstox-message.ts')])
        .then(([opened, { readUpstoxMessage }]) => {
          if (hasEnded) return;
          if (opened instanceof URL) socket = open(opened, readUpstoxMessage, listener);
          else listener.onEnd(opened);
        })
        // Not every URL is one for a WebSocket.
        .catch(() => listener.onEnd({ kind: 'lost', why: 'garbled_response' }));
      const request = (method: string, keys: readonly string[], mode?: PriceMode): void =>
        socket?.send(
          {
            guid: randomUUID(),
            method,
            data: { ...(mode === undefined ? {} : { mode: MODES[mode] }), instrumentKeys: keys },
          },
          'binary',
        );
      return {
        subscribe: (keys, mode) => request('sub', keys, mode),
        setMode: (keys, mode) => request('change_mode', keys, mode),
        unsubscribe: (keys) => request('unsub', keys),
        end() {
          hasEnded = true;
          socket?.end();
        },
      };
    },
  };
}

/** Encrypted as the question was, and on its host, or on another one of Upstox's where it went to Upstox. */
export function isOfSameBroker(url: URL, asked: URL): boolean {
  const isEncrypted = url.protocol === 'wss:' || (url.protocol === 'ws:' && asked.protocol === 'http:');
  const isAtUpstox = (host: string): boolean => host.endsWith('.upstox.com');
  return (
    isEncrypted &&
    (url.hostname === asked.hostname || (isAtUpstox(asked.hostname) && isAtUpstox(url.hostname)))
  );
}

function open(url: URL, read: (data: Buffer) => readonly Tick[], listener: StreamListener): BrokerSocket {
  return openBrokerSocket({
    url,
    silentAfterMs: SILENT_AFTER_MS,
    onOpen: listener.onOpen,
    onBinary(data) {
      const ticks = read(data);
      if (ticks.length > 0) listener.onTicks(ticks);
    },
    onEnd: listener.onEnd,
  });
}

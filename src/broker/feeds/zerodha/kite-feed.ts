import { SECOND_MS } from '../../../core/duration.ts';
import type { PriceFeed, PriceMode } from '../../../core/price-feed.ts';
import { withQuery } from '../../adapters/broker-protocol.ts';
import { openBrokerSocket } from '../broker-socket.ts';
import { readKiteMessage } from './kite-packets.ts';

const PUBLISHED = 'wss://ws.kite.trade';
const MOST_INSTRUMENTS = 3_000;
/** A heartbeat of one byte comes about once a second. */
const SILENT_AFTER_MS = 10 * SECOND_MS;

const MODES: Readonly<Record<PriceMode, string>> = { ltp: 'ltp', quote: 'quote', depth: 'full' };

/** Kite's WebSocket (https://kite.trade/docs/connect/v3/websocket). A bad token is refused at the handshake, with 403. */
export function createKiteFeed(url: string = PUBLISHED): PriceFeed {
  return {
    mostInstruments: MOST_INSTRUMENTS,
    instruments: 'own',
    keyOf: ({ instrumentToken }) => (/^\d{1,10}$/.test(instrumentToken) ? instrumentToken : undefined),
    connect({ token, credentials }, listener) {
      const { apiKey = '' } = credentials;
      const socket = openBrokerSocket({
        url: withQuery(url, { api_key: apiKey, access_token: token }),
        headers: { 'X-Kite-Version': '3' },
        silentAfterMs: SILENT_AFTER_MS,
        onOpen: listener.onOpen,
        onBinary(data) {
          const ticks = readKiteMessage(data);
          if (ticks.length > 0) listener.onTicks(ticks);
        },
        onEnd: listener.onEnd,
      });
      const setMode = (keys: readonly string[], mode: PriceMode): void =>
        socket.send({ a: 'mode', v: [MODES[mode], keys.map(Number)] });
      return {
        subscribe(keys, mode) {
          socket.send({ a: 'subscribe', v: keys.map(Number) });
          setMode(keys, mode);
        },
        setMode,
        unsubscribe: (keys) => socket.send({ a: 'unsubscribe', v: keys.map(Number) }),
        end: socket.end,
      };
    },
  };
}

import { batchesOf } from '../../../core/batches.ts';
import { SECOND_MS } from '../../../core/duration.ts';
import type { PriceFeed, PriceMode, StreamEnd } from '../../../core/price-feed.ts';
import { withQuery } from '../../adapters/broker-protocol.ts';
import { openBrokerSocket } from '../broker-socket.ts';
import { isDhanSegment, readDhanMessage } from './dhan-packets.ts';

const PUBLISHED = 'wss://api-feed.dhan.co';
const MOST_INSTRUMENTS = 5_000;
const INSTRUMENTS_IN_MESSAGE = 100;
/** The server pings every ten seconds. */
const SILENT_AFTER_MS = 40 * SECOND_MS;

/** One more unsubscribes. */
const REQUESTS: Readonly<Record<PriceMode, number>> = { ltp: 15, quote: 17, depth: 21 };
const DISCONNECT = 12;

/** Of the packet that comes before a close; see https://dhanhq.co/docs/v2/annexure. */
const ENDS: ReadonlyMap<number, StreamEnd> = new Map([
  [805, { kind: 'lost', why: 'too_many_sockets' }],
  [806, { kind: 'refused', why: 'no_data_plan' }],
  [807, { kind: 'rejected', why: 'token_expired' }],
  [808, { kind: 'refused', why: 'wrong_client' }],
  [809, { kind: 'rejected', why: 'authentication_failed' }],
]);

/** Dhan's live market feed, version 2 (https://dhanhq.co/docs/v2/live-market-feed). */
export function createDhanFeed(url: string = PUBLISHED): PriceFeed {
  return {
    mostInstruments: MOST_INSTRUMENTS,
    instruments: 'own',
    keyOf: ({ segment, instrumentToken }) =>
      isDhanSegment(segment) && /^\d{1,10}$/.test(instrumentToken)
        ? `${segment}:${instrumentToken}`
        : undefined,
    connect({ token, credentials }, listener) {
      const { clientId = '' } = credentials;
      const modes = new Map<string, PriceMode>();
      const socket = openBrokerSocket({
        url: withQuery(url, { version: '2', token, clientId, authType: '2' }),
        silentAfterMs: SILENT_AFTER_MS,
        onOpen: listener.onOpen,
        onBinary(data) {
          const packets = readDhanMessage(data);
          const ticks = packets.flatMap((packet) => (packet.kind === 'tick' ? [packet.tick] : []));
          if (ticks.length > 0) listener.onTicks(ticks);
          const last = packets.find((packet) => packet.kind === 'disconnected');
          if (last !== undefined) socket.fail(ENDS.get(last.reason) ?? { kind: 'lost', why: 'disconnected' });
        },
        onEnd: listener.onEnd,
      });

      function request(code: number, keys: readonly string[]): void {
        for (const batch of batchesOf(keys, INSTRUMENTS_IN_MESSAGE))
          socket.send({
            RequestCode: code,
            InstrumentCount: batch.length,
            InstrumentList: batch.map(toInstrument),
          });
      }

      function unsubscribe(keys: readonly string[]): void {
        for (const [mode, same] of Map.groupBy(keys, (key) => modes.get(key)))
          if (mode !== undefined) request(REQUESTS[mode] + 1, same);
        for (const key of keys) modes.delete(key);
      }

      function subscribe(keys: readonly string[], mode: PriceMode): void {
        request(REQUESTS[mode], keys);
        for (const key of keys) modes.set(key, mode);
      }

      return {
        subscribe,
        setMode(keys, mode) {
          unsubscribe(keys);
          subscribe(keys, mode);
        },
        unsubscribe,
        end() {
          socket.send({ RequestCode: DISCONNECT });
          socket.end();
        },
      };
    },
  };
}

function toInstrument(key: string) {
  const [segment, id] = key.split(':');
  return { ExchangeSegment: segment, SecurityId: id };
}

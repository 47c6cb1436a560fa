import { SECOND_MS } from '../../../core/duration.ts';
import type { DepthLevel, Quote, Tick } from '../../../core/price-feed.ts';

const HEADER_BYTES = 8;
const LEVELS = 5;
const LEVEL_BYTES = 20;
/** That a float of 32 bits keeps, and that tell each from its neighbours. */
const FEWEST_DIGITS = 6;
const MOST_DIGITS = 9;

/** By the number in the header, from https://dhanhq.co/docs/v2/annexure/#exchange-segment: as requests name it. */
const SEGMENTS: ReadonlyMap<number, string> = new Map([
  [0, 'IDX_I'],
  [1, 'NSE_EQ'],
  [2, 'NSE_FNO'],
  [3, 'NSE_CURRENCY'],
  [4, 'BSE_EQ'],
  [5, 'MCX_COMM'],
  [7, 'BSE_CURRENCY'],
  [8, 'BSE_FNO'],
]);

export const isDhanSegment = (segment: string): boolean => [...SEGMENTS.values()].includes(segment);

/** Content of a packet, or why the other side is about to close. */
export type DhanPacket =
  | { readonly kind: 'tick'; readonly tick: Tick }
  | { readonly kind: 'disconnected'; readonly reason: number };

/** How long packets of a kind are, and what is in them. */
const KINDS: ReadonlyMap<number, { readonly bytes: number; readonly read: (packet: Buffer) => Quote }> =
  new Map([
    [2, { bytes: 16, read: (packet) => ({ price: rupees(packet, 8), ...time(packet, 12) }) }],
    [4, { bytes: 50, read: (packet) => ({ ...trades(packet), ...ofDay(packet, 34) }) }],
    [5, { bytes: 12, read: (packet) => ({ openInterest: packet.readUInt32LE(8) }) }],
    [6, { bytes: 16, read: (packet) => ({ close: rupees(packet, 8) }) }],
    [8, { bytes: 162, read: readFull }],
  ]);
const DISCONNECTED = { code: 50, bytes: 10 };

/** The packets of a binary message. What is cut off ends it, and a kind that is not documented is passed over. Never throws. */
export function readDhanMessage(data: Buffer): readonly DhanPacket[] {
  const packets: DhanPacket[] = [];
  for (let at = 0; at + HEADER_BYTES <= data.length; ) {
    const rest = data.subarray(at);
    const code = rest.readUInt8(0);
    const kind = KINDS.get(code);
    // The length in the header counts with and without it, by who wrote about it: that of the kind is certain.
    const bytes = kind?.bytes ?? (code === DISCONNECTED.code ? DISCONNECTED.bytes : rest.readUInt16LE(1));
    if (bytes < HEADER_BYTES || rest.length < bytes) break;
    at += bytes;
    const packet = rest.subarray(0, bytes);
    if (code === DISCONNECTED.code) packets.push({ kind: 'disconnected', reason: packet.readUInt16LE(8) });
    const segment = SEGMENTS.get(packet.readUInt8(3));
    if (kind === undefined || segment === undefined) continue;
    const key = `${segment}:${packet.readUInt32LE(4)}`;
    packets.push({ kind: 'tick', tick: { key, ...withoutNonsense(kind.read(packet)) } });
  }
  return packets;
}

function readFull(packet: Buffer): Quote {
  const levels = (quantityAt: number, ordersAt: number, priceAt: number): readonly DepthLevel[] =>
    Array.from({ length: LEVELS }, (_, level) => {
      const at = 62 + level * LEVEL_BYTES;
      return {
        price: rupees(packet, at + priceAt),
        quantity: packet.readUInt32LE(at + quantityAt),
        orders: packet.readUInt16LE(at + ordersAt),
      };
    }).filter(({ price, quantity }) => quantity > 0 && Number.isFinite(price));
  return {
    ...trades(packet),
    openInterest: packet.readUInt32LE(34),
    ...ofDay(packet, 46),
    depth: { buy: levels(0, 8, 12), sell: levels(4, 10, 16) },
  };
}

const trades = (packet: Buffer): Quote => ({
  price: rupees(packet, 8),
  lastQuantity: packet.readUInt16LE(12),
  ...time(packet, 14),
  averagePrice: rupees(packet, 18),
  volume: packet.readUInt32LE(22),
  sellQuantity: packet.readUInt32LE(26),
  buyQuantity: packet.readUInt32LE(30),
});

/** A close of 0 is none yet: that of the day before comes in a packet of its own. */
function ofDay(packet: Buffer, from: number): Quote {
  const close = rupees(packet, from + 4);
  return {
    open: rupees(packet, from),
    ...(close === 0 ? {} : { close }),
    high: rupees(packet, from + 8),
    low: rupees(packet, from + 12),
  };
}

/** The shortest decimal with this float of 32 bits: 1573.15 comes as 1573.1500244140625. */
function rupees(packet: Buffer, offset: number): number {
  const float = packet.readFloatLE(offset);
  for (let digits = FEWEST_DIGITS; digits < MOST_DIGITS; digits += 1) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return Number(float.toPrecision(MOST_DIGITS));
}

/** In Unix seconds; 0 where there is none. */
function time(packet: Buffer, offset: number): { readonly at?: number } {
  const seconds = packet.readUInt32LE(offset);
  return seconds === 0 ? {} : { at: seconds * SECOND_MS };
}

/** Four bytes may be no number, and no price. */
function withoutNonsense(quote: Quote): Quote {
  return Object.fromEntries(
    Object.entries(quote).filter(([, value]) => typeof value !== 'number' || Number.isFinite(value)),
  );
}

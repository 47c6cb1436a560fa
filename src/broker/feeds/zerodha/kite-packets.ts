import { SECOND_MS } from '../../../core/duration.ts';
import type { Depth, DepthLevel, Tick } from '../../../core/price-feed.ts';

/** By the last byte of an instrument's token, its segment; see https://kite.trade/docs/connect/v3/websocket. */
const PRICE_UNITS: ReadonlyMap<number, number> = new Map([
  [3, 10_000_000],
  [6, 10_000],
  // As documented; the public client knows no such segment.
  [12, 10_000],
]);
const PAISE = 100;

const LENGTHS = { ltp: 8, indexQuote: 28, indexFull: 32, quote: 44, full: 184 } as const;
const DEPTH_AT = 64;
const LEVEL_BYTES = 12;
const LEVELS = 5;

/** The ticks of a binary message. What is cut off or of an unknown length is passed over. Never throws. */
export function readKiteMessage(data: Buffer): readonly Tick[] {
  const ticks: Tick[] = [];
  // One byte alone is a heartbeat.
  if (data.length < 2) return ticks;
  let at = 2;
  for (let left = data.readUInt16BE(0); left > 0 && at + 2 <= data.length; left -= 1) {
    const length = data.readUInt16BE(at);
    const packet = data.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    if (packet.length < length) break;
    const tick = readPacket(packet);
    if (tick !== undefined) ticks.push(tick);
  }
  return ticks;
}

/** Undefined for a length that is not documented. */
export function readPacket(packet: Buffer): Tick | undefined {
  switch (packet.length) {
    case LENGTHS.ltp:
      return readHead(packet);
    case LENGTHS.indexQuote:
    case LENGTHS.indexFull:
      return readIndex(packet);
    case LENGTHS.quote:
    case LENGTHS.full:
      return readQuote(packet);
    default:
      return undefined;
  }
}

function readHead(packet: Buffer) {
  const token = packet.readUInt32BE(0);
  return { key: String(token), price: packet.readInt32BE(4) / unitOf(token) };
}

function readIndex(packet: Buffer): Tick {
  const price = createPriceReader(packet);
  return {
    ...readHead(packet),
    high: price(8),
    low: price(12),
    open: price(16),
    close: price(20),
    ...(packet.length === LENGTHS.indexFull ? readTime(packet, 28) : {}),
  };
}

function readQuote(packet: Buffer): Tick {
  const price = createPriceReader(packet);
  const quote = {
    ...readHead(packet),
    lastQuantity: packet.readUInt32BE(8),
    averagePrice: price(12),
    volume: packet.readUInt32BE(16),
    buyQuantity: packet.readUInt32BE(20),
    sellQuantity: packet.readUInt32BE(24),
    open: price(28),
    high: price(32),
    low: price(36),
    close: price(40),
  };
  if (packet.length === LENGTHS.quote) return quote;
  const openInterest = packet.readUInt32BE(48);
  return { ...quote, openInterest, ...readTime(packet, 60), depth: readDepth(packet, price) };
}

/** Ten entries, five bids and then five offers: quantity, price, orders and two bytes of padding. */
function readDepth(packet: Buffer, price: (offset: number) => number): Depth {
  const levels = (from: number): readonly DepthLevel[] =>
    Array.from({ length: LEVELS }, (_, level) => {
      const at = DEPTH_AT + (from + level) * LEVEL_BYTES;
      return {
        quantity: packet.readUInt32BE(at),
        price: price(at + 4),
        orders: packet.readUInt16BE(at + 8),
      };
    }).filter(({ quantity }) => quantity > 0);
  return { buy: levels(0), sell: levels(LEVELS) };
}

/** In Unix seconds; 0 where there is none. */
function readTime(packet: Buffer, offset: number): { readonly at?: number } {
  const seconds = packet.readUInt32BE(offset);
  return seconds === 0 ? {} : { at: seconds * SECOND_MS };
}

function createPriceReader(packet: Buffer): (offset: number) => number {
  const unit = unitOf(packet.readUInt32BE(0));
  return (offset) => packet.readInt32BE(offset) / unit;
}

const unitOf = (token: number): number => PRICE_UNITS.get(token & 0xff) ?? PAISE;

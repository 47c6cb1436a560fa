import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import { startOfIstDay } from '../../core/ist.ts';
import type { Depth, Quote } from '../../core/price-feed.ts';

/** From a wave of some hours down to one of seconds, each with its share of the price. */
const WAVES = [
  { periodMs: 240 * MINUTE_MS, share: 0.012 },
  { periodMs: 60 * MINUTE_MS, share: 0.006 },
  { periodMs: 15 * MINUTE_MS, share: 0.003 },
  { periodMs: 4 * MINUTE_MS, share: 0.0015 },
  { periodMs: MINUTE_MS, share: 0.0008 },
  { periodMs: 15 * SECOND_MS, share: 0.0004 },
  { periodMs: 4 * SECOND_MS, share: 0.0002 },
  { periodMs: SECOND_MS, share: 0.0001 },
] as const;

const TICK = 0.05;
const LOWEST = 60;
const SPREAD = 2_940;
/** So many looks at the walk tell the day's high and low. */
const LOOKS = 48;
const LEVELS = 5;

/** The price of an instrument of the practice market at an instant: the same for everyone who asks, on each node and after a restart. */
export function walkPrice(name: string, now: number): number {
  const seed = hash(name);
  const base = LOWEST + (seed % SPREAD);
  let moved = 0;
  for (const [index, { periodMs, share }] of WAVES.entries())
    moved += share * noise(seed + index * 7_919, now / periodMs);
  return inTicks(base * (1 + moved));
}

/** The figures of a day that take many steps of the walk. It begins at the Indian midnight. */
export interface WalkedDay {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly averagePrice: number;
}

export function walkDay(name: string, now: number): WalkedDay {
  const midnight = startOfIstDay(now);
  const seen = Array.from({ length: LOOKS }, (_, look) =>
    walkPrice(name, midnight + ((now - midnight) * look) / LOOKS),
  );
  return {
    open: walkPrice(name, midnight),
    high: Math.max(...seen),
    low: Math.min(...seen),
    close: walkPrice(name, midnight - SECOND_MS),
    averagePrice: inTicks(seen.reduce((sum, each) => sum + each, 0) / LOOKS),
  };
}

/** The practice market's quote of an instrument, without its order book. */
export function walkQuote(name: string, now: number, { open, close, averagePrice }: WalkedDay) {
  const seconds = Math.floor((now - startOfIstDay(now)) / SECOND_MS);
  return {
    price: walkPrice(name, now),
    at: now,
    open,
    close,
    volume: seconds * (1 + (hash(name) % 90)),
    lastQuantity: 1 + (hash(`${name} ${seconds}`) % 50),
    averagePrice,
  } satisfies Quote;
}

export function walkDepth(name: string, now: number): Depth {
  const price = walkPrice(name, now);
  return { buy: levelsOf(name, price, -1), sell: levelsOf(name, price, 1) };
}

function levelsOf(name: string, price: number, side: 1 | -1) {
  return Array.from({ length: LEVELS }, (_, level) => {
    const away = side * (level + 1) * TICK;
    const quantity = 1 + (hash(`${name} ${price} ${away}`) % 900);
    return { price: inTicks(price + away), quantity, orders: 1 + (quantity % 9) };
  });
}

const inTicks = (price: number): number => Math.round(Math.round(price / TICK) * TICK * 100) / 100;

/** Between -1 and 1, and without jumps: from one whole place to the next along a straight line. */
function noise(seed: number, place: number): number {
  const whole = Math.floor(place);
  const from = hash(`${seed} ${whole}`) / 2 ** 31 - 1;
  const to = hash(`${seed} ${whole + 1}`) / 2 ** 31 - 1;
  return from + (to - from) * (place - whole);
}

/** FNV-1a with a finish that spreads neighbours: 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
  return (sum ^ (sum >>> 16)) >>> 0;
}

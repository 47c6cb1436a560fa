import { MINUTE_MS } from '../../core/duration.ts';
import { startOfIstDay } from '../../core/ist.ts';
import type { Quote } from '../../core/price-feed.ts';
import { type WalkedDay, walkDay, walkQuote } from './price-walk.ts';

/** The day's figures of the practice market's instruments. */
export interface WalkedDays {
  quote(name: string, now: number): Quote;
  forget(name: string): void;
}

interface KnownDay extends WalkedDay {
  readonly midnight: number;
  readonly walkedAt: number;
}

/** Walks through an instrument's day once a minute, which takes hundreds of hashes: in between only its high and low move. */
export function createWalkedDays(): WalkedDays {
  const days = new Map<string, KnownDay>();

  function dayOf(name: string, now: number): KnownDay {
    const midnight = startOfIstDay(now);
    const last = days.get(name);
    const known = last?.midnight === midnight ? last : undefined;
    if (known !== undefined && now - known.walkedAt < MINUTE_MS) return known;
    const day = walkDay(name, now);
    return { ...day, ...widen(day, known?.high, known?.low), midnight, walkedAt: now };
  }

  return {
    quote(name, now) {
      const day = dayOf(name, now);
      const { price, ...figures } = walkQuote(name, now, day);
      const extremes = widen(day, price, price);
      days.set(name, { ...day, ...extremes });
      return { ...figures, price, ...extremes };
    },
    forget: (name) => void days.delete(name),
  };
}

function widen({ high, low }: WalkedDay, seenHigh = high, seenLow = low) {
  return { high: Math.max(high, seenHigh), low: Math.min(low, seenLow) };
}

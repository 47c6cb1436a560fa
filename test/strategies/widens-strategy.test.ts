import { describe, expect, it } from 'vitest';
import type { StrategySymbol } from '../../src/core/signal.ts';
import { widensStrategy } from '../../src/strategies/widens-strategy.ts';

const SBIN: StrategySymbol = { exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 10, product: 'MIS' };
const INFY: StrategySymbol = { ...SBIN, tradingSymbol: 'INFY', quantity: 5 };
const BEFORE = {
  broker: 'sandbox',
  symbols: [SBIN, INFY],
  hours: { days: ['mon', 'tue'], opensAt: 600, closesAt: 900 },
} as const;
type Change = Partial<Parameters<typeof widensStrategy>[1]>;

describe('a changed strategy', () => {
  it.each<[string, Change]>([
    ['another broker', { broker: 'zerodha' }],
    ['a larger quantity', { symbols: [{ ...SBIN, quantity: 11 }, INFY] }],
    ['a quantity of a million', { symbols: [SBIN, { ...INFY, quantity: 1_000_000 }] }],
    ['another symbol', { symbols: [SBIN, INFY, { ...SBIN, tradingSymbol: 'TCS' }] }],
    ['another exchange', { symbols: [{ ...SBIN, exchange: 'BSE' }] }],
    ['another product', { symbols: [{ ...SBIN, product: 'CNC' }, INFY] }],
    ['the other symbol’s larger quantity', { symbols: [SBIN, { ...INFY, quantity: 10 }] }],
    ['one more day', { hours: { ...BEFORE.hours, days: ['mon', 'wed'] } }],
    ['an earlier beginning', { hours: { ...BEFORE.hours, opensAt: 599 } }],
    ['a later end', { hours: { ...BEFORE.hours, closesAt: 901 } }],
  ])('widens by %s', (_what, change) => {
    expect(widensStrategy(BEFORE, { ...BEFORE, ...change })).toBe(true);
  });

  it.each<[string, Change]>([
    ['nothing', {}],
    ['the order of its symbols', { symbols: [INFY, SBIN] }],
    ['a smaller quantity', { symbols: [{ ...SBIN, quantity: 1 }, INFY] }],
    ['fewer symbols', { symbols: [INFY] }],
    ['fewer days', { hours: { ...BEFORE.hours, days: ['tue'] } }],
    ['a shorter window', { hours: { ...BEFORE.hours, opensAt: 601, closesAt: 899 } }],
  ])('does not widen by %s', (_what, change) => {
    expect(widensStrategy(BEFORE, { ...BEFORE, ...change })).toBe(false);
  });
});

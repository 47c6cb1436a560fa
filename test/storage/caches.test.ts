import { beforeEach, describe, expect, it } from 'vitest';
import type { CachedStrategy, CachedSymbol, CachedToken } from '../../src/core/cached-values.ts';
import { type CutoffTime, createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DEFAULT_SETTINGS } from '../../src/core/user-settings.ts';
import { CACHE_NAMES, CACHES, type Caches, createCaches, SHARED } from '../../src/storage/caches.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const DAY_MS = 86_400_000;
const ist = (text: string): number => Date.parse(`2026-11-${text}+05:30`);

const TOKEN: CachedToken = { token: 't', epoch: 0, issuedAt: 0, expiresAt: 0 };
const INSTRUMENT: CachedSymbol = { instruments: [] };
const STRATEGY: CachedStrategy = {
  id: '1',
  userId: 'asha',
  name: 'one',
  broker: 'b',
  version: 1,
  symbols: [],
  days: [],
  opensAt: 0,
  closesAt: 1,
  signingSecret: undefined,
  allowedAddresses: [],
};
const EMPTY = { auth: 0, feed: 0, symbol: 0, settings: 0, strategy: 0, telegram: 0 };

describe('the six caches', () => {
  let clock: SettableClock;
  let cutoffTime: CutoffTime;
  let caches: Caches;

  beforeEach(() => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    cutoffTime = { hour: 3, minute: 0 };
    caches = createCaches({ clock, calendar: createCutoffCalendar({ clock, cutoffTime: () => cutoffTime }) });
  });

  function fillFor(userId: string): void {
    caches.of.auth.set(userId, 'sandbox', TOKEN);
    caches.of.feed.set(userId, 'sandbox', TOKEN);
    caches.of.settings.set(userId, 'all', DEFAULT_SETTINGS);
    caches.of.strategy.set(userId, '1', STRATEGY);
    caches.of.strategy.set(userId, '2', STRATEGY);
    caches.of.telegram.set(userId, 'all', { botToken: 'b', version: 1 });
  }

  it('are auth, feed, symbol, settings, strategy and telegram', () => {
    expect([...CACHE_NAMES].sort()).toEqual(['auth', 'feed', 'settings', 'strategy', 'symbol', 'telegram']);
    expect(caches.sizes()).toEqual(EMPTY);
  });

  it('lose one user: their entries and what is shared, and nothing of anybody else', () => {
    fillFor('asha');
    fillFor('ravi');
    caches.of.symbol.set(SHARED, 'NSE:INFY', INSTRUMENT);
    expect(caches.clearUser('asha')).toEqual({
      auth: 1,
      feed: 1,
      symbol: 1,
      settings: 1,
      strategy: 2,
      telegram: 1,
    });
    expect(caches.sizes()).toEqual({ auth: 1, feed: 1, symbol: 0, settings: 1, strategy: 2, telegram: 1 });
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
    expect(caches.of.auth.get('ravi', 'sandbox')).toEqual(TOKEN);
    expect(caches.clearUser('asha')).toEqual(EMPTY);
  });

  it('lose everything at once', () => {
    fillFor('asha');
    fillFor('ravi');
    caches.of.symbol.set(SHARED, 'NSE:INFY', INSTRUMENT);
    expect(caches.clearAll()).toEqual({ auth: 2, feed: 2, symbol: 1, settings: 2, strategy: 4, telegram: 2 });
    expect(caches.sizes()).toEqual(EMPTY);
  });

  it('keep nothing past the cutoff that is next when it is set', () => {
    fillFor('asha');
    caches.of.symbol.set(SHARED, 'NSE:INFY', INSTRUMENT);
    clock.set(ist('24T02:59:59.999'));
    expect(caches.of.auth.get('asha', 'sandbox')).toEqual(TOKEN);
    expect(caches.of.symbol.get(SHARED, 'NSE:INFY')).toEqual(INSTRUMENT);
    clock.set(ist('24T03:00:00.000'));
    for (const name of ['auth', 'feed'] as const)
      expect(caches.of[name].get('asha', 'sandbox')).toBeUndefined();
    for (const name of ['settings', 'telegram'] as const)
      expect(caches.of[name].get('asha', 'all')).toBeUndefined();
    expect(caches.of.strategy.get('asha', '1')).toBeUndefined();
    expect(caches.of.symbol.get(SHARED, 'NSE:INFY')).toBeUndefined();
  });

  it('measure each lifetime when an entry is set, not when the server started', () => {
    clock.set(ist('24T02:59:00'));
    caches.of.auth.set('asha', 'sandbox', TOKEN);
    clock.set(ist('24T03:00:00'));
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
    caches.of.auth.set('asha', 'sandbox', TOKEN);
    clock.set(ist('25T02:59:59'));
    expect(caches.of.auth.get('asha', 'sandbox')).toEqual(TOKEN);
  });

  it('follow a cutoff that is changed while the server runs', () => {
    cutoffTime = { hour: 11, minute: 0 };
    caches.of.auth.set('asha', 'sandbox', TOKEN);
    clock.set(ist('23T11:00:00'));
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
  });

  it('keep nothing for more than a day where there is no cutoff', () => {
    cutoffTime = 'off';
    caches.of.auth.set('asha', 'sandbox', TOKEN);
    clock.advance(DAY_MS - 1);
    expect(caches.of.auth.get('asha', 'sandbox')).toEqual(TOKEN);
    clock.advance(1);
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
  });

  it('tell whose entries were dropped, and of all of them', () => {
    const told: (string | undefined)[] = [];
    caches.onClear((userId) => told.push(userId));
    caches.clearUser('asha');
    caches.clearAll();
    expect(told).toEqual(['asha', undefined]);
  });

  it('are bounded', () => {
    for (let each = 0; each < CACHES.auth.maximum + 50; each += 1)
      caches.of.auth.set(`user ${each}`, 'b', TOKEN);
    expect(caches.sizes().auth).toBe(CACHES.auth.maximum);
  });

  it.each([
    ['at the cutoff', () => caches.clearAll().symbol],
    ['after an import', () => caches.of.symbol.clearOwner(SHARED)],
  ])('block the loop for less than a millisecond when 100,000 symbols are cleared %s', (_when, clear) => {
    const fastest = Math.min(...Array.from({ length: 5 }, () => timeOfClearingSymbols(clear)));
    expect(fastest).toBeLessThan(1);
  });

  function timeOfClearingSymbols(clear: () => number): number {
    for (let each = 0; each < 100_000; each += 1) caches.of.symbol.set(SHARED, `NSE:${each}`, INSTRUMENT);
    expect(caches.sizes().symbol).toBe(100_000);
    const startedAt = performance.now();
    const cleared = clear();
    const took = performance.now() - startedAt;
    expect(cleared).toBe(100_000);
    expect(caches.sizes().symbol).toBe(0);
    return took;
  }
});

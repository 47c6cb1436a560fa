import { LRUCache } from 'lru-cache';
import { systemClock } from '../../src/core/clock.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { isPastCutoff } from '../../src/core/expiry.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { CACHES, createCaches, SHARED } from '../../src/storage/caches.ts';
import { alternate, type Comparison, type Sample } from '../comparison.ts';
import { isExpired } from '../servers/luxon-check.ts';
import type { Workshop } from '../workshop.ts';

const SYMBOLS = 100_000;
const CHECKS = 50_000;
const CUTOFF = { hour: 3, minute: 0 };

/** What is paid in one piece, in this very process: clearing a full cache, and asking whether a session is over. */
export async function compareCaches({ options }: Workshop): Promise<readonly Comparison[]> {
  const rounds = options.rounds;
  return [
    {
      title: `Clearing ${SYMBOLS} cached symbols: how long the event loop stands still`,
      metrics: [{ name: 'ms', better: 'less', digits: 3 }],
      subjects: await alternate({ 'lru-cache clear()': clearLru, Curfew: clearSymbols }, rounds),
    },
    {
      title: 'Is this session from before the cutoff?',
      metrics: [{ name: 'ns/check', better: 'less', digits: 0 }],
      subjects: await alternate({ 'luxon each time': checkWithLuxon, Curfew: checkWithCalendar }, rounds),
    },
  ];
}

const symbolOf = (index: number) => ({
  instruments: [
    {
      broker: 'zerodha',
      exchange: 'NSE',
      tradingSymbol: `SYMBOL${index}`,
      name: '',
      displayName: '',
      isin: '',
      instrumentToken: String(index),
      exchangeToken: '',
      expiry: undefined,
      strike: undefined,
      tickSize: 0.05,
      lotSize: 1,
      instrumentType: 'EQ',
      segment: 'NSE',
    },
  ],
});

function clearLru(): Promise<Sample> {
  const cache = new LRUCache({ max: CACHES.symbol.maximum, ttl: DAY_MS });
  for (let index = 0; index < SYMBOLS; index += 1) cache.set(`NSE:SYMBOL${index}`, symbolOf(index));
  return Promise.resolve({ ms: timed(() => cache.clear()) });
}

function clearSymbols(): Promise<Sample> {
  const caches = createCaches({ clock: systemClock, calendar: calendar() });
  const { symbol } = caches.of;
  for (let index = 0; index < SYMBOLS; index += 1) symbol.set(SHARED, `NSE:SYMBOL${index}`, symbolOf(index));
  if (symbol.size !== SYMBOLS) throw new Error(`The cache holds ${symbol.size} symbols only`);
  return Promise.resolve({ ms: timed(() => caches.clearAll()) });
}

function checkWithLuxon(): Promise<Sample> {
  const loginTime = toIstIso(systemClock.now());
  return timePerCheck(() => isExpired(loginTime, CUTOFF));
}

function checkWithCalendar(): Promise<Sample> {
  const loginTime = systemClock.now();
  const { last } = calendar();
  return timePerCheck(() => isPastCutoff(loginTime, systemClock.now(), last()));
}

const calendar = () => createCutoffCalendar({ clock: systemClock, cutoffTime: () => CUTOFF });

function timePerCheck(check: () => boolean): Promise<Sample> {
  let expired = 0;
  const ms = timed(() => {
    for (let index = 0; index < CHECKS; index += 1) if (check()) expired += 1;
  });
  if (expired > 0) throw new Error('A login of this moment was taken for an old one');
  return Promise.resolve({ 'ns/check': (ms * 1e6) / CHECKS });
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

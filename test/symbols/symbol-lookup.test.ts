import { beforeEach, describe, expect, it } from 'vitest';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import type { Instrument } from '../../src/core/symbol.ts';
import { type Caches, createCaches, SHARED } from '../../src/storage/caches.ts';
import { createSymbolLookup } from '../../src/symbols/symbol-lookup.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';

const INFY: Instrument = {
  broker: 'zerodha',
  exchange: 'NSE',
  tradingSymbol: 'INFY',
  name: 'INFOSYS',
  displayName: '',
  isin: '',
  instrumentToken: '408065',
  exchangeToken: '1594',
  expiry: undefined,
  strike: undefined,
  tickSize: 0.05,
  lotSize: 1,
  instrumentType: 'EQ',
  segment: 'NSE',
};

describe('exact look-ups', () => {
  let clock: SettableClock;
  let caches: Caches;
  let stored: readonly Instrument[];
  let reads: string[];
  let beforeAnswer: () => void;

  beforeEach(() => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    caches = createCaches({
      clock,
      calendar: createCutoffCalendar({ clock, cutoffTime: () => ({ hour: 3, minute: 0 }) }),
    });
    stored = [INFY];
    reads = [];
    beforeAnswer = () => undefined;
  });

  const lookup = () =>
    createSymbolLookup({
      caches,
      store: {
        async find(exchange, symbolKey) {
          reads.push(`${exchange}:${symbolKey}`);
          const answer = stored.filter(
            (each) => each.exchange === exchange && each.tradingSymbol === symbolKey,
          );
          beforeAnswer();
          return answer;
        },
        async findByOtherName(exchange, name) {
          return stored.filter((each) => each.exchange === exchange && each.instrumentToken === name);
        },
      },
    });

  it('ask the database once, in whatever letter case', async () => {
    const { find } = lookup();
    expect(await find('NSE', 'INFY')).toEqual([INFY]);
    expect(await find('nse', ' infy ')).toEqual([INFY]);
    expect(reads).toEqual(['NSE:INFY']);
    expect(caches.of.symbol.lookups).toEqual({ hits: 1, misses: 1 });
  });

  it('ask the database once for a burst of the same question, and again after a failure', async () => {
    const { find } = lookup();
    const answers = await Promise.all(Array.from({ length: 40 }, () => find('NSE', 'INFY')));
    expect(new Set(answers).size).toBe(1);
    expect(reads).toHaveLength(1);
    beforeAnswer = () => {
      throw new Error('The database is away');
    };
    await expect(find('NSE', 'TCS')).rejects.toThrow('away');
    beforeAnswer = () => undefined;
    expect(await find('NSE', 'TCS')).toEqual([]);
    expect(reads).toHaveLength(3);
  });

  it('remember that there is none as well', async () => {
    const { find } = lookup();
    expect(await find('NSE', 'NOBODY')).toEqual([]);
    expect(await find('NSE', 'NOBODY')).toEqual([]);
    expect(reads).toHaveLength(1);
  });

  it('keep what belongs to a named broker apart', async () => {
    const { find } = lookup();
    expect(await find('NSE', 'INFY', 'upstox')).toEqual([]);
    expect(await find('NSE', 'INFY', 'zerodha')).toEqual([INFY]);
    expect(await find('NSE', 'INFY')).toEqual([INFY]);
    expect(reads).toHaveLength(3);
  });

  it('are not pushed out of the cache by somebody who tries names', async () => {
    const { find } = lookup();
    await find('NSE', 'INFY');
    for (let number = 0; number < 5_000; number += 1) await find('NSE', `NAME${number}`);
    expect(caches.of.symbol.size).toBe(2_001);
    reads = [];
    await find('NSE', 'INFY');
    await find('NSE', 'NAME4999');
    expect(reads).toEqual([]);
    await find('NSE', 'NAME0');
    expect(reads).toEqual(['NSE:NAME0']);
  });

  it('do not look for what is nobody’s name', async () => {
    const { find } = lookup();
    expect(await find('NSE', 'X'.repeat(101))).toEqual([]);
    expect(await find('NSE', 'IN\u0000FY')).toEqual([]);
    expect(reads).toEqual([]);
    expect(caches.of.symbol.size).toBe(0);
  });

  it('mean the share where a bond or a warrant has its name, in whatever order they stand', async () => {
    const bond = { ...INFY, instrumentToken: '9', instrumentType: 'BOND' };
    for (const both of [
      [INFY, bond],
      [bond, INFY],
    ]) {
      stored = both;
      expect(await lookup().find('NSE', 'INFY')).toEqual([INFY]);
      caches.of.symbol.clearOwner(SHARED);
    }
  });

  it('answer with all that a name may mean, and never with the first', async () => {
    stored = ['1', '2'].map((token) => ({ ...INFY, instrumentToken: token, instrumentType: 'BOND' }));
    expect(await lookup().find('NSE', 'INFY')).toEqual(stored);
    caches.of.symbol.clearOwner(SHARED);
    stored = [INFY, { ...INFY, broker: 'dhan', instrumentToken: '1594' }];
    expect(await lookup().find('NSE', 'INFY')).toEqual(stored);
    expect(await lookup().find('NSE', 'INFY', 'dhan')).toEqual([stored[1]]);
  });

  it('take a token where nothing has it as its symbol', async () => {
    expect(await lookup().find('NSE', '408065')).toEqual([INFY]);
    expect(await lookup().find('BSE', '408065')).toEqual([]);
  });

  it('are read anew after an import', async () => {
    const { find } = lookup();
    await find('NSE', 'INFY');
    stored = [{ ...INFY, lotSize: 2 }];
    caches.of.symbol.clearOwner(SHARED);
    expect((await find('NSE', 'INFY'))[0]?.lotSize).toBe(2);
  });

  it('do not bring back what was read before an import that has just ended', async () => {
    const { find } = lookup();
    beforeAnswer = () => {
      stored = [{ ...INFY, lotSize: 2 }];
      caches.of.symbol.clearOwner(SHARED);
    };
    expect((await find('NSE', 'INFY'))[0]?.lotSize).toBe(1);
    beforeAnswer = () => undefined;
    expect((await find('NSE', 'INFY'))[0]?.lotSize).toBe(2);
  });

  it('are gone at the cutoff', async () => {
    const { find } = lookup();
    await find('NSE', 'INFY');
    clock.set('2026-11-24T02:59:59.999+05:30');
    await find('NSE', 'INFY');
    expect(reads).toHaveLength(1);
    clock.set('2026-11-24T03:00:00.000+05:30');
    await find('NSE', 'INFY');
    expect(reads).toHaveLength(2);
  });
});

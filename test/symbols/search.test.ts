import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOST_SYMBOLS_FOUND, type SymbolSearch } from '../../src/core/symbol.ts';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import { KITE_HEADER, sampleMaster } from './sample-master.ts';
import { createSymbolWorld, type SymbolWorld } from './symbol-world.ts';

/** Enough that a search can find more than it shows. */
const ROWS = 16_000;
const MORE = [
  '1,1,20MICRONS,20 MICRONS,0,,,0.05,1,EQ,NSE,NSE',
  '2,2,50%OFF_A,ODD \\ NAME,0,,,0.05,1,EQ,NSE,NSE',
  `3,3,OREILLY,O'REILLY “QUOTED”,0,,,0.05,1,EQ,NSE,NSE`,
  '4,4,CAFÉ,CAFÉ,0,,,0.05,1,EQ,NSE,NSE',
];

describe.each(DATABASES)('searching, on %s', (_name, openDatabase) => {
  let database: Database;
  let world: SymbolWorld;

  beforeAll(async () => {
    database = await openDatabase();
    world = createSymbolWorld(database);
    const text = [...sampleMaster(ROWS), ...MORE].join('\n');
    expect(await world.importFile(text)).toMatchObject({ status: 'done', badLines: 0 });
    expect(text.startsWith(KITE_HEADER)).toBe(true);
  });
  afterAll(async () => {
    world.removeFiles();
    await database.close();
  });

  const search = (q: string, more: Partial<SymbolSearch> = {}) =>
    world.room.search({ q, limit: 10, page: 1, ...more });
  const find = async (q: string, more: Partial<SymbolSearch> = {}) =>
    (await search(q, more)).items.map(({ exchange, tradingSymbol }) => `${exchange}:${tradingSymbol}`);

  it('finds by words in any order, and by the beginning of words', async () => {
    const expected = [
      'NFO:NIFTY24D0525000CE',
      'NFO:NIFTY24D1225000CE',
      'NFO:NIFTY24D1925000CE',
      'NFO:NIFTY24DEC25000CE',
    ];
    expect(await find('nifty 24 dec 25000 ce')).toEqual(expected);
    expect(await find('  CE 25000   Dec 24 NIFTY ')).toEqual(expected);
    expect(await find('nifty 26 dec 25000 ce')).toEqual(['NFO:NIFTY24DEC25000CE']);
    expect(await find('banknif 12 dec 52000 p')).toEqual(['NFO:BANKNIFTY24D1252000PE']);
  });

  it('finds symbols as they are spelled, and parts of them', async () => {
    // The weekly ones of December 2024 are the same words.
    expect((await find('NIFTY24DEC25000CE'))[0]).toBe('NFO:NIFTY24DEC25000CE');
    expect(await find('nifty24d0525000ce')).toEqual(['NFO:NIFTY24D0525000CE']);
    expect(await find('nifty24d0525000')).toEqual(['NFO:NIFTY24D0525000CE', 'NFO:NIFTY24D0525000PE']);
    expect(await find('usdinr 84.25')).toEqual(['CDS:USDINR24DEC84.25CE', 'CDS:USDINR24DEC84.25PE']);
    expect(await find('20mic')).toEqual(['NSE:20MICRONS']);
    expect(await find('NSE:INFY')).toEqual(['NSE:INFY']);
  });

  it('shows what is called just so first, with its futures, then indices and shares, futures by expiry, and options last', async () => {
    expect((await find('lt')).slice(0, 4)).toEqual(['NSE:LT', 'BSE:LT', 'NFO:LT24DECFUT', 'NFO:LT25JANFUT']);
    const nifty = await find('nifty', { limit: 100 });
    expect(nifty.slice(0, 9)).toEqual([
      'NSE:NIFTY 50',
      'NFO:NIFTY24DECFUT',
      'NFO:NIFTY25JANFUT',
      'NFO:NIFTY25FEBFUT',
      'NSE:NIFTY BANK',
      'NSE:NIFTY FIN SERVICE',
      'NSE:NIFTY IT',
      'NSE:NIFTY MID SELECT',
      'NFO:NIFTY24D0522050CE',
    ]);
    expect(await find('itc', { limit: 2 })).toEqual(['NSE:ITC', 'BSE:ITC']);
  });

  it('filters by exchange and by type', async () => {
    expect(await find('nifty', { exchange: 'nfo', type: 'fut' })).toEqual([
      'NFO:NIFTY24DECFUT',
      'NFO:NIFTY25JANFUT',
      'NFO:NIFTY25FEBFUT',
    ]);
    expect(await find('infy', { exchange: 'BSE' })).toEqual(['BSE:INFY']);
    expect(await find('', { type: 'INDEX', limit: 2 })).toEqual(['NSE:INDIA VIX', 'NSE:NIFTY 50']);
    expect(await find('infy', { type: 'PUT' })).toEqual([]);
    expect(await find('infy', { exchange: '%' })).toEqual([]);
    expect(await find('infy', { exchange: `N"S'E` })).toEqual([]);
  });

  it('takes signs literally', async () => {
    expect(await find('M&M', { limit: 2 })).toEqual(['NSE:M&M', 'BSE:M&M']);
    expect(await find('50%off_')).toEqual(['NSE:50%OFF_A']);
    expect(await find("o'reilly")).toEqual(['NSE:OREILLY']);
    expect(await find('“quoted”')).toEqual(['NSE:OREILLY']);
    expect(await find('\\')).toEqual(['NSE:50%OFF_A']);
    expect(await find('%')).toEqual(['NSE:50%OFF_A']);
    expect(await find('café')).toEqual(['NSE:CAFÉ']);
    for (const q of ['%infy', 'inf_', 'infy%', '"infy"', "infy'", 'infy*', 'infy OR tcs', 'infy AND NOT tcs'])
      expect(await find(q), q).toEqual([]);
    for (const q of [
      'words:infy',
      'NEAR(infy)',
      'infy:*',
      '!infy',
      '(infy',
      'infy;--',
      'infy & eq',
      '\u0000infy',
      '-',
    ])
      expect(await find(q), q).not.toContain('NSE:INFY');
    expect(await find('infy\\')).toEqual([]);
  });

  it('never fails, whatever is typed', async () => {
    const signs = '"\'();:*%_-+\\/~^<>[]{}|&!?#@$=,. \té₹🙂\u0000\ud800aZ09';
    for (let length = 1; length < 40; length += 1) {
      const q = Array.from({ length }, (_, index) => signs[(index * 7 + length * 13) % signs.length]).join(
        '',
      );
      await expect(search(q), JSON.stringify(q)).resolves.toBeDefined();
      await expect(search('infy', { exchange: q, type: q })).resolves.toBeDefined();
      await expect(world.room.find(q, q)).resolves.toEqual([]);
    }
  });

  it('has pages that follow each other without a gap or a repetition', async () => {
    const all: string[] = [];
    let page: number | undefined = 1;
    while (page !== undefined) {
      const { items, nextPage } = await search('lt', { limit: 7, page });
      all.push(...items.map((item) => `${item.exchange}:${item.tradingSymbol}`));
      expect(items.length).toBe(nextPage === undefined ? items.length : 7);
      page = nextPage;
    }
    expect(all.length).toBeGreaterThan(100);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual([
      ...(await find('lt', { limit: 100 })),
      ...(await find('lt', { limit: 100, page: 2 })),
    ]);
  });

  it('shows no more than a search may find, options last, and nothing on a page behind that', async () => {
    expect((await find('nfo'))[0]).toBe('NFO:AXISBANK24DECFUT');
    const last = await search('ce', { limit: 100, page: MOST_SYMBOLS_FOUND / 100 });
    expect([last.items.length, last.nextPage]).toEqual([100, undefined]);
    expect(await search('ce', { limit: 100, page: MOST_SYMBOLS_FOUND / 100 + 1 })).toEqual({
      items: [],
      nextPage: undefined,
      ignoredWords: [],
    });
  });

  it('finds nothing where there is nothing', async () => {
    expect(await search('zzzz')).toEqual({ items: [], nextPage: undefined, ignoredWords: [] });
    expect(await search('nifty infy')).toEqual({ items: [], nextPage: undefined, ignoredWords: [] });
  });
});

describe.each(DATABASES)('searching with no master, on %s', (_name, openDatabase) => {
  it('finds nothing, and fails at nothing', async () => {
    const database = await openDatabase();
    const { room, removeFiles } = createSymbolWorld(database);
    expect(await room.search({ q: 'infy', limit: 10, page: 1 })).toEqual({
      items: [],
      nextPage: undefined,
      ignoredWords: [],
    });
    expect(await room.search({ q: '', limit: 10, page: 1 })).toEqual({
      items: [],
      nextPage: undefined,
      ignoredWords: [],
    });
    expect(await room.find('NSE', 'INFY')).toEqual([]);
    removeFiles();
    await database.close();
  });
});

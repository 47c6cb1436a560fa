import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import { createSymbolWorld, type SymbolWorld } from './symbol-world.ts';

/**
 * What people type, and what must come first: with each broker's master, or with those of Zerodha, Upstox and Dhan. The
 * masters in ./masters look as real ones do, line for line; tokens and years are made up.
 */
const SEARCHES: readonly (readonly [q: string, ...first: readonly (string | undefined)[]])[] = [
  ['nifty', 'NSE:NIFTY 50', 'NSE:NIFTY', 'NSE:NIFTY'],
  ['nifty 50', 'NSE:NIFTY 50', 'NSE:NIFTY', 'NSE:NIFTY'],
  ['nifty50', 'NSE:NIFTY 50', 'NSE:NIFTY', 'NSE:NIFTY'],
  ['bank nifty', 'NSE:NIFTY BANK', 'NSE:BANKNIFTY', 'NSE:BANKNIFTY'],
  ['banknifty', 'NSE:NIFTY BANK', 'NSE:BANKNIFTY', 'NSE:BANKNIFTY'],
  ['nifty bank', 'NSE:NIFTY BANK', 'NSE:BANKNIFTY', 'NSE:BANKNIFTY'],
  ['finnifty', 'NSE:NIFTY FIN SERVICE', 'NSE:FINNIFTY', 'NSE:FINNIFTY'],
  ['midcpnifty', 'NSE:NIFTY MID SELECT', 'NSE:MIDCPNIFTY', 'NSE:MIDCPNIFTY'],
  ['india vix', 'NSE:INDIA VIX'],
  ['sensex', 'BSE:SENSEX'],
  ['nifty next 50', 'NSE:NIFTY NEXT 50', 'NSE:NIFTYNXT50', 'NSE:NIFTY NEXT 50'],
  ['l&t', 'NSE:LT'],
  ['l & t', 'NSE:LT'],
  ['larsen', 'NSE:LT'],
  ['sbi', 'NSE:SBIN'],
  ['state bank of india', 'NSE:SBIN'],
  ['hdfc bank', 'NSE:HDFCBANK'],
  ['hdfcbank', 'NSE:HDFCBANK'],
  ['bank hdfc', 'NSE:HDFCBANK'],
  ['reliance', 'NSE:RELIANCE'],
  ['infosys', 'NSE:INFY'],
  ['tcs', 'NSE:TCS'],
  ['itc', 'NSE:ITC'],
  ['m&m', 'NSE:M&M'],
  ['M_M', 'NSE:M&M'],
  ['mahindra', 'NSE:M&M'],
  ['bajaj auto', 'NSE:BAJAJ-AUTO'],
  ['bajaj-auto', 'NSE:BAJAJ-AUTO'],
  ['BAJAJ_AUTO', 'NSE:BAJAJ-AUTO'],
  ['NSE:BAJAJ_AUTO', 'NSE:BAJAJ-AUTO'],
  ['20microns', 'NSE:20MICRONS'],
  ['3m', 'NSE:3MINDIA'],
  ['63moons', 'NSE:63MOONS'],
  ['360one', 'NSE:360ONE'],
  ['nam india', 'NSE:NAM-INDIA'],
  ['motherson', 'NSE:MOTHERSON'],
  ['cholafin', 'NSE:CHOLAFIN'],
  ['m&mfin', 'NSE:M&MFIN'],
  ['electcast', 'NSE:ELECTCAST'],
  ['anuras', 'NSE:ANURAS'],
  ['goldbees', 'NSE:GOLDBEES'],
  ['nifty bees', 'NSE:NIFTYBEES'],
  ['tata steel', 'NSE:TATASTEEL'],
  ['kotak', 'NSE:KOTAKBANK'],
  ['NSE:INFY', 'NSE:INFY'],
  ['BSE:INFY', 'BSE:INFY'],
  ['nifty fut', 'NFO:NIFTY30AUGFUT', 'NFO:NIFTY30AUGFUT', 'NFO:NIFTY-Feb2030-FUT'],
  ['nifty futures', 'NFO:NIFTY30AUGFUT', 'NFO:NIFTY30AUGFUT', 'NFO:NIFTY-Feb2030-FUT'],
  ['bank nifty fut', 'NFO:BANKNIFTY30AUGFUT', 'NFO:BANKNIFTY30AUGFUT', 'NFO:BANKNIFTY-Feb2030-FUT'],
  ['sensex fut', 'BFO:SENSEX30AUGFUT', 'BFO:SENSEX30AUGFUT', 'BFO:SENSEX-Feb2030-FUT'],
  ['reliance fut', 'NFO:RELIANCE30AUGFUT', 'NFO:RELIANCE30AUGFUT', 'NFO:RELIANCE-Feb2030-FUT'],
  ['m&m fut', 'NFO:M&M30AUGFUT', 'NFO:M&M30AUGFUT', 'NFO:M&M-Feb2030-FUT'],
  ['bajaj-auto fut', 'NFO:BAJAJ-AUTO30AUGFUT', 'NFO:BAJAJ-AUTO30AUGFUT', 'NFO:BAJAJ-AUTO-Feb2030-FUT'],
  ['nifty 25000 ce', 'NFO:NIFTY3082125000CE', 'NFO:NIFTY3082125000CE', 'NFO:NIFTY-Feb2030-25000-CE'],
  ['nifty 25000 call', 'NFO:NIFTY3082125000CE', 'NFO:NIFTY3082125000CE', 'NFO:NIFTY-Feb2030-25000-CE'],
  ['nifty 25050 pe', 'NFO:NIFTY3081425050PE', 'NFO:NIFTY3081425050PE', 'NFO:NIFTY-Feb2030-25050-PE'],
  [
    'banknifty 56000 put',
    'NFO:BANKNIFTY30AUG56000PE',
    'NFO:BANKNIFTY30AUG56000PE',
    'NFO:BANKNIFTY-Feb2030-56000-PE',
  ],
  ['reliance 1400 ce', 'NFO:RELIANCE30AUG1400CE', 'NFO:RELIANCE30AUG1400CE', 'NFO:RELIANCE-Feb2030-1400-CE'],
  ['usdinr', 'CDS:USDINR30829FUT', 'CDS:USDINR30829FUT', 'CDS:USDINR-Aug2029-FUT'],
  ['usdinr fut', 'CDS:USDINR30829FUT', 'CDS:USDINR30829FUT', 'CDS:USDINR-Aug2029-FUT'],
  ['usdinr 88 ce', 'CDS:USDINR30AUG88CE', 'CDS:USDINR30AUG88CE', 'CDS:USDINR-Jul2029-88-CE'],
  ['gold fut', 'MCX:GOLD30DECFUT', 'MCX:GOLD30DECFUT', 'MCX:GOLD-02Apr2030-FUT'],
  ['gold', 'MCX:GOLD30DECFUT', 'MCX:GOLD30DECFUT', 'MCX:GOLD-02Apr2030-FUT'],
  ['silver fut', 'MCX:SILVER30SEPFUT', 'MCX:SILVER30SEPFUT', 'MCX:SILVER-05Mar2030-FUT'],
  ['crudeoil fut', 'MCX:CRUDEOIL30AUGFUT', 'MCX:CRUDEOIL30AUGFUT', 'MCX:CRUDEOIL-19Feb2030-FUT'],
  ['crude oil', 'MCX:CRUDEOIL30AUGFUT', 'MCX:CRUDEOIL30AUGFUT', 'MCX:CRUDEOIL-19Feb2030-FUT'],
  [
    'crudeoil 5800 ce',
    'MCX:CRUDEOIL30AUG5800CE',
    'MCX:CRUDEOIL30AUG5800CE',
    'MCX:CRUDEOIL-17Feb2030-5800-CE',
  ],
  ['natural gas fut', 'MCX:NATURALGAS30AUGFUT', 'MCX:NATURALGAS30AUGFUT', 'MCX:NATURALGAS-24Feb2030-FUT'],
  ['call', 'NFO:360ONE30AUG1000CE', 'NFO:360ONE30AUG1000CE', 'NFO:360ONE-Feb2030-1000-CE'],
  ['7002885', 'NSE:RELIANCE'],
  ['NSE:7011483', 'NSE:LT'],
  ['INE009A01021', undefined, 'NSE:INFY', undefined],
  ['INE040A01034', undefined, 'NSE:HDFCBANK', undefined],
];

const BROKERS = ['zerodha', 'upstox', 'dhan'] as const;
const MASTERS = join(import.meta.dirname, 'masters');

/** All that each search has found on the database before: the other one must find the same in the same order. */
const found = new Map<string, readonly string[]>();

describe.each(DATABASES)('what people type, on %s', (_name, openDatabase) => {
  let database: Database;
  let world: SymbolWorld;

  beforeAll(async () => {
    database = await openDatabase();
    world = createSymbolWorld(database);
    for (const broker of BROKERS)
      expect(await world.importFile(readFileSync(join(MASTERS, `${broker}.csv`)))).toMatchObject({
        status: 'done',
        broker,
        badLines: 0,
      });
  });
  afterAll(async () => {
    world.removeFiles();
    await database.close();
  });

  async function search(q: string, broker?: string): Promise<readonly string[]> {
    const { items } = await world.room.search({ q, broker, limit: 50, page: 1 });
    return items.map(({ exchange, tradingSymbol }) => `${exchange}:${tradingSymbol}`);
  }

  it.each(SEARCHES.map(([q, ...first]) => ({ q, first })))('finds $q', async ({ q, first }) => {
    for (const [index, broker] of BROKERS.entries()) {
      const items = await search(q, broker);
      expect(items[0], broker).toBe(first.length === 1 ? first[0] : first[index]);
      const before = found.get(`${broker} ${q}`);
      if (before !== undefined) expect(items).toEqual(before);
      found.set(`${broker} ${q}`, items);
    }
    const ofAll = await search(q);
    const before = found.get(q);
    if (before !== undefined) expect(ofAll).toEqual(before);
    found.set(q, ofAll);
  });

  it('lists each expiry of a weekly option with its date, though Dhan calls them alike', async () => {
    const { items } = await world.room.search({
      q: 'nifty 25000 ce',
      broker: 'dhan',
      exchange: 'NFO',
      limit: 50,
      page: 1,
    });
    const february = items.filter(({ tradingSymbol }) => tradingSymbol === 'NIFTY-Feb2030-25000-CE');
    expect(february.map(({ expiry }) => expiry)).toEqual(['2030-02-10', '2030-02-17', '2030-02-24']);
    expect(new Set(february.map(({ instrumentToken }) => instrumentToken)).size).toBe(3);
  });

  it('means the share by a name that a bond or a warrant has as well', async () => {
    for (const broker of BROKERS)
      for (const name of ['MOTHERSON', 'CHOLAFIN', 'M&MFIN', 'ELECTCAST', 'ANURAS', 'AARTISURF'])
        expect(await world.room.find('NSE', name, broker), `${broker} ${name}`).toMatchObject([
          { instrumentType: 'EQ', tradingSymbol: name },
        ]);
  });

  it('has all choices for a name of several instruments, each by a name of its own', async () => {
    const { find, findTraded } = world.room;
    expect(await find('NFO', 'NIFTY-Feb2030-25000-CE', 'dhan')).toHaveLength(3);
    const weekly = await findTraded('dhan', 'NFO', 'NIFTY-FEB2030-25000-CE');
    expect(weekly).toEqual({
      kind: 'ambiguous',
      choices: ['10', '17', '24'].map((day) => `NFO:NIFTY ${day} FEB 25000 CALL`),
    });
    for (const choice of weekly.kind === 'ambiguous' ? weekly.choices : [])
      expect(await find('NFO', choice.slice(4), 'dhan'), choice).toHaveLength(1);

    expect(await find('NSE', 'IMC1', 'upstox')).toHaveLength(4);
    const bonds = await findTraded('upstox', 'NSE', 'IMC1');
    expect(bonds).toMatchObject({ kind: 'ambiguous' });
    for (const choice of bonds.kind === 'ambiguous' ? bonds.choices : [])
      expect(await find('NSE', choice.slice(4), 'upstox'), choice).toHaveLength(1);
    expect(await find('BSE', 'CAPINS', 'dhan')).toHaveLength(2);
  });

  it('asks a broker’s own master for a strategy, and any other only where there is none', async () => {
    const { findTraded } = world.room;
    expect(await findTraded('dhan', 'NSE', 'SBIN')).toEqual({ kind: 'known', lotSizes: [1] });
    expect(await findTraded('dhan', 'NFO', 'NIFTY30AUGFUT')).toEqual({ kind: 'unknown' });
    expect(await findTraded('sandbox', 'NFO', 'NIFTY30AUGFUT')).toEqual({ kind: 'known', lotSizes: [75] });
    expect(await findTraded('sandbox', 'NFO', 'NOBODY')).toEqual({ kind: 'unknown' });
  });
});

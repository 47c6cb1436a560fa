import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import type { ImportProgress } from '../../src/symbols/import-record.ts';
import { MASTER_LIMITS } from '../../src/symbols/master-limits.ts';
import { DATABASES } from '../support/databases.ts';
import { KITE_HEADER, sampleMaster, sampleMasterText } from './sample-master.ts';
import { createSymbolWorld, ORIGIN, type SymbolWorld } from './symbol-world.ts';

const SECOND_MS = 1000;
const ROWS = 1_500;
/** With a token of its own for each symbol. */
const share = (symbol: string, name: string, number = Number.parseInt(symbol, 36) % 1e9): string =>
  `${number},${number},${symbol},${name},0,,,0.05,1,EQ,NSE,NSE`;
const file = (...lines: string[]): string => `${[KITE_HEADER, ...lines].join('\n')}\n`;

describe.each(DATABASES)('importing a master, on %s', (_name, openDatabase) => {
  let database: Database;
  let world: SymbolWorld;

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());
  beforeEach(() => {
    world = createSymbolWorld(database);
  });
  afterEach(async () => {
    // Everything that was imported becomes a leftover, and goes.
    await database.db.deleteFrom('symbol_masters').execute();
    await database.db.updateTable('symbol_imports').set({ status: 'done', retired_at: 0 }).execute();
    await world.room.keeper.tidy();
    expect(await world.storedIds()).toEqual([]);
    await database.db.deleteFrom('symbol_imports').execute();
    world.removeFiles();
  });

  const names = async (q: string) => {
    const { items } = await world.room.search({ q, limit: 100, page: 1 });
    return items.map((item) => item.tradingSymbol);
  };
  const latest = async () => (await world.room.imports.listLatest(1))[0];

  it('makes everything in the file findable, says so, and writes it into the audit log', async () => {
    const outcome = await world.importFile(sampleMasterText(ROWS));
    expect(outcome).toEqual({
      status: 'done',
      broker: 'zerodha',
      instruments: ROWS,
      badLines: 0,
      badLineSamples: [],
    });
    expect((await world.room.find('NFO', 'NIFTY24DEC25000CE'))[0]).toMatchObject({
      broker: 'zerodha',
      expiry: '2024-12-26',
      strike: 25000,
      lotSize: 75,
    });
    expect(await names('nifty 26 dec 25000 ce')).toEqual(['NIFTY24DEC25000CE']);
    expect(world.audited).toEqual([
      { type: 'symbols.imported', broker: 'zerodha', instruments: ROWS, badLines: 0 },
    ]);
    expect(await latest()).toMatchObject({
      status: 'done',
      broker: 'zerodha',
      fileName: 'instruments.csv',
      requestedBy: 'asha',
      instruments: ROWS,
      instrumentsBefore: 0,
    });
  });

  it('tells how far it is: first the bytes that were checked, then the instruments that were stored', async () => {
    const seen: ImportProgress[] = [];
    await world.importFile(sampleMasterText(ROWS), { onProgress: (progress) => seen.push(progress) });
    expect(seen.at(0)).toMatchObject({ stage: 'checking' });
    expect(seen.at(-1)).toEqual({ stage: 'storing', done: ROWS, total: ROWS });
    expect(seen.filter(({ stage }) => stage === 'storing').length).toBeGreaterThan(2);
    expect(seen.every(({ done, total }) => done <= total)).toBe(true);
  });

  it('takes gzip, by its first bytes and not by its name', async () => {
    const text = sampleMasterText(ROWS);
    expect(await world.importFile(gzipSync(text))).toMatchObject({ status: 'done', instruments: ROWS });
    const parts = [text.slice(0, 5000), text.slice(5000)].map((part) => gzipSync(part));
    expect(await world.importFile(Buffer.concat(parts))).toMatchObject({ status: 'done', instruments: ROWS });
  });

  it('takes the header as it is documented, with blanks, a byte order mark and Windows’ line ends', async () => {
    const text = `\ufeff${KITE_HEADER.replaceAll(',', ', ')}\r\n${share('INFY', '"INFOSYS, LTD"')}\r\n`;
    expect(await world.importFile(text)).toMatchObject({ status: 'done', instruments: 1, badLines: 0 });
    expect(await world.room.find('NSE', 'INFY')).toMatchObject([{ name: 'INFOSYS, LTD' }]);
  });

  it('leaves bad lines out and tells their numbers', async () => {
    const outcome = await world.importFile(
      file(
        share('INFY', 'INFOSYS'),
        // As the broker’s own documentation has it: a column too few.
        '645639,SILVER15DECFUT,,7800.0,2015-12-31,,1,1,FUT,MCX,MCX',
        share('TCS', '"TATA'),
        '',
        share('infy', 'INFOSYS AGAIN'),
        `${share('LONG', 'x'.repeat(MASTER_LIMITS.lineLength))}`,
        share('SBIN', 'STATE BANK'),
      ),
    );
    const token = share('INFY', '').split(',')[0];
    expect(outcome).toMatchObject({ status: 'done', instruments: 2, badLines: 4 });
    expect(outcome.badLineSamples).toEqual([
      { number: 3, why: 'it has 11 columns and not 12' },
      { number: 4, why: 'a quotation mark is not closed' },
      { number: 6, why: `the instrument NSE ${token} stands on line 2 already` },
      { number: 7, why: 'it is longer than 4000 characters' },
    ]);
    expect(await names('')).toEqual(['INFY', 'SBIN']);
    expect((await latest())?.badLineSamples).toEqual(outcome.badLineSamples);
  });

  it('refuses a file with more bad lines than one in a hundred, and leaves the master as it was', async () => {
    await world.importFile(file(share('OLD', 'OLD')));
    const good = [...sampleMaster(ROWS)].slice(1);
    const bad = (count: number) => Array.from({ length: count }, () => 'not,an,instrument');
    const borne = await world.importFile(file(...good, ...bad(20)));
    expect(borne).toMatchObject({ status: 'done', badLines: 20 });
    const refused = await world.importFile(file(...good, ...bad(30)));
    expect(refused).toMatchObject({
      status: 'refused',
      problem: '30 of 1530 lines cannot be used. That is too many for a master: nothing was changed.',
      badLines: 30,
    });
    expect(await latest()).toMatchObject({ status: 'refused', broker: 'zerodha', badLines: 30 });
    expect(world.audited.at(-1)).toMatchObject({ type: 'symbols.import_refused', broker: 'zerodha' });
    expect(await world.room.find('NSE', 'INFY')).toHaveLength(1);
  });

  it.each<readonly [string, string | Buffer, string]>([
    ['an empty file', '', 'The file is empty.'],
    ['nothing but empty lines', '\n\n \n', 'The file is empty.'],
    ['a header and nothing else', `${KITE_HEADER}\n`, 'There is no instrument in the file.'],
    ['a page of HTML', '<!doctype html>\n<title>Sign in</title>', 'This is a web page'],
    ['JSON', '[{"instrument_token":1}]', 'This is JSON'],
    ['an older Excel file', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]), 'older Excel'],
    ['an Excel file', Buffer.from('PK\u0003\u0004 and so on'), 'ZIP or Excel'],
    ['bytes', Buffer.from([1, 2, 0, 3]), 'This is not a text'],
    ['UTF-16', Buffer.from(`\ufeff${file(share('INFY', 'INFOSYS'))}`, 'utf16le'), 'UTF-16'],
    [
      'a gzip file that was cut off',
      gzipSync(sampleMasterText(ROWS)).subarray(0, 3000),
      'damaged or cut off',
    ],
    ['a gzip file of bytes', gzipSync(Buffer.from([1, 2, 0, 3])), 'This is not a text'],
    ['gzip within gzip', gzipSync(gzipSync(sampleMasterText(20))), 'This is a gzip file'],
    ['a single line without an end', 'x'.repeat(100_000), 'The first line is not the column names'],
  ])('refuses %s, in words', async (_what, content, words) => {
    await world.importFile(file(share('OLD', 'OLD')));
    const outcome = await world.importFile(content);
    expect(outcome.status).toBe('refused');
    expect('problem' in outcome && outcome.problem).toContain(words);
    expect(await names('')).toEqual(['OLD']);
  });

  it('refuses another broker’s file where one is named', async () => {
    expect(await world.importFile(sampleMasterText(20), { broker: 'dhan' })).toMatchObject({
      status: 'refused',
      problem: 'These are the columns of Zerodha (Kite) and not those of Dhan.',
    });
    expect(await world.importFile('a,b,c\n1,2,3\n', { broker: 'zerodha' })).toMatchObject({
      problem: expect.stringContaining(
        'lacks columns that the master of Zerodha (Kite) has: instrument_token,',
      ),
    });
  });

  it('stops unpacking where a small file grows beyond what a master may have', async () => {
    const bomb = gzipSync(Buffer.alloc(MASTER_LIMITS.textBytes + 1024 * 1024, 'x'), { level: 1 });
    expect(bomb.length).toBeLessThan(3 * 1024 * 1024);
    expect(await world.importFile(bomb)).toMatchObject({
      status: 'refused',
      problem: expect.stringContaining('too large'),
    });
  });

  it('shows everybody the old master or the new one, and never a mixture', async () => {
    const master = (name: string) => file(...Array.from({ length: ROWS }, (_, n) => share(`S${n}`, name, n)));
    await world.importFile(master('OLD'));
    const readings: string[] = [];
    let done = false;
    const reading = (async () => {
      while (!done) {
        const { items } = await world.room.search({ q: '', limit: 100, page: 1 });
        const found = await world.room.search({ q: `s${ROWS - 1}`, limit: 10, page: 1 });
        const seen = new Set([...items, ...found.items].map((item) => item.name));
        readings.push(`${items.length} ${[...seen].join('+')}`);
        await sleep(1);
      }
    })();
    await world.importFile(master('NEW'));
    done = true;
    await reading;
    expect(readings.length).toBeGreaterThan(3);
    // Two searches may lie on both sides of the change over; one search never does.
    expect(readings.filter((each) => !/^100 (OLD|NEW|OLD\+NEW)$/.test(each))).toEqual([]);
    expect(readings.filter((each) => each === '100 OLD+NEW').length).toBeLessThanOrEqual(1);
    expect(readings[0]).toBe('100 OLD');
    expect((await world.room.find('NSE', 'S7'))[0]?.name).toBe('NEW');
    expect(await latest()).toMatchObject({ instruments: ROWS, instrumentsBefore: ROWS });
  });

  it('deletes the old master in batches, once no request can be reading it any more', async () => {
    await world.importFile(sampleMasterText(ROWS));
    await world.importFile(sampleMasterText(ROWS));
    await world.room.keeper.tidy();
    expect(await world.storedIds()).toHaveLength(2 * ROWS);
    world.clock.advance(31 * SECOND_MS);
    await world.room.keeper.tidy();
    const ids = await world.storedIds();
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([ROWS, ROWS + 1, 2 * ROWS]);
    await world.room.keeper.tidy();
    expect(await names('nifty 26 dec 25000 ce')).toEqual(['NIFTY24DEC25000CE']);
  });

  it('is noticed by a node that got no message of it', async () => {
    const other = world.anotherRoom();
    await world.importFile(file(share('INFY', 'OLD')));
    await other.keeper.tidy();
    expect((await other.find('NSE', 'INFY'))[0]?.name).toBe('OLD');
    await world.importFile(file(share('INFY', 'NEW')));
    expect((await other.find('NSE', 'INFY'))[0]?.name).toBe('OLD');
    await other.keeper.tidy();
    expect((await other.find('NSE', 'INFY'))[0]?.name).toBe('NEW');
  });

  it('refuses a second import while one runs, on whatever node, and says whose it is', async () => {
    const other = world.anotherRoom();
    const first = await world.room.importer.begin({ fileName: 'a.csv', broker: undefined, origin: ORIGIN });
    const second = await other.importer.begin({
      fileName: 'b.csv',
      broker: undefined,
      origin: { actor: 'cli' },
    });
    expect(first.kind).toBe('started');
    expect(second).toMatchObject({ kind: 'busy', running: { requestedBy: 'asha', fileName: 'a.csv' } });
    if (first.kind === 'started') await first.started.giveUp('failed', 'Enough.');
    const third = await other.importer.begin({
      fileName: 'b.csv',
      broker: undefined,
      origin: { actor: 'cli' },
    });
    expect(third.kind).toBe('started');
  });

  it('gives an import up whose process was killed, and cleans up behind it', async () => {
    await world.importFile(file(share('OLD', 'OLD')));
    const dead = world.anotherRoom();
    const begun = await dead.importer.begin({ fileName: 'a.csv', broker: undefined, origin: ORIGIN });
    if (begun.kind === 'busy') throw new Error('busy');
    const handle = await open(world.writeFile(sampleMasterText(ROWS)));
    // It has stored some of it when its process goes: from here on nothing of it runs.
    const killed = begun.started.run(handle, ({ stage, done }) => {
      if (stage === 'storing' && done >= 800) world.clock.advance(16 * SECOND_MS);
      if (stage === 'storing' && done >= 800) throw new Error('killed');
    });
    await killed;
    await handle.close();
    await database.db
      .updateTable('symbol_imports')
      .set({ status: 'running', retired_at: null, problem: null, finished_at: null })
      .where('id', '=', begun.started.id)
      .execute();
    expect((await world.storedIds()).length).toBeGreaterThan(800);

    await world.room.keeper.tidy();
    expect(await world.room.imports.find(begun.started.id)).toMatchObject({
      status: 'failed',
      problem: expect.stringContaining('killed in the middle'),
    });
    world.clock.advance(31 * SECOND_MS);
    await world.room.keeper.tidy();
    expect(await names('')).toEqual(['OLD']);
    expect(await world.storedIds()).toHaveLength(1);
    expect(await world.importFile(sampleMasterText(ROWS))).toMatchObject({ status: 'done' });
  });

  it('stops at the next write when it was given up as dead, and changes nothing any more', async () => {
    await world.importFile(file(share('OLD', 'OLD')));
    let robbed = false;
    const outcome = await world.importFile(sampleMasterText(ROWS), {
      onProgress({ stage, done }) {
        if (stage !== 'storing' || done < 400 || robbed) return;
        robbed = true;
        void database.db
          .updateTable('symbol_imports')
          .set({ status: 'failed', retired_at: world.clock.now() })
          .where('status', '=', 'running')
          .execute();
      },
    });
    expect(outcome).toMatchObject({ status: 'failed', problem: expect.stringContaining('was stopped') });
    expect((await world.storedIds()).length).toBeLessThan(ROWS);
    expect(await names('')).toEqual(['OLD']);
  });

  it('ends with its server, and says so', async () => {
    const outcome = await world.importFile(sampleMasterText(ROWS), {
      onProgress: ({ stage }) => {
        if (stage === 'storing') void world.room.keeper.stop();
      },
    });
    expect(outcome).toMatchObject({ status: 'failed', problem: expect.stringContaining('was stopped') });
    expect(await latest()).toMatchObject({ status: 'failed' });
    expect(await names('')).toEqual([]);
  });

  it('refuses a file that changes while it is read', async () => {
    const path = world.writeFile(sampleMasterText(ROWS));
    const begun = await world.room.importer.begin({ fileName: 'a.csv', broker: undefined, origin: ORIGIN });
    if (begun.kind === 'busy') throw new Error('busy');
    const handle = await open(path, 'r+');
    let changed = false;
    const outcome = await begun.started.run(handle, ({ stage, done, total }) => {
      if (stage !== 'checking' || done < total || changed) return;
      changed = true;
      // One digit, far down: every line is still good.
      void handle.write('9', 100_000);
    });
    await handle.close();
    expect(outcome).toMatchObject({ status: 'refused', problem: expect.stringContaining('changed while') });
    expect(await names('')).toEqual([]);
  });

  it('keeps a master for each broker, and asks all of them where none is named', async () => {
    await world.importFile(
      'instrument_key,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,option_type,exchange\n' +
        'NSE_EQ|INE009A01021,1594,INFY,INFOSYS LIMITED,0,,,0.05,1,EQUITY,,NSE_EQ\n' +
        'NSE_EQ|INE000000001,1,ONLYUPSTOX,ONLY THERE,0,,,0.05,1,EQUITY,,NSE_EQ\n',
    );
    const brokers = (found: readonly { readonly broker: string }[]) => found.map(({ broker }) => broker);
    expect(brokers(await world.room.find('NSE', 'INFY'))).toEqual(['upstox']);
    await world.importFile(file(share('INFY', 'INFOSYS')));
    expect(brokers(await world.room.find('NSE', 'INFY'))).toEqual(['zerodha', 'upstox']);
    expect(await world.room.find('NSE', 'INFY', 'upstox')).toMatchObject([
      { instrumentToken: 'NSE_EQ|INE009A01021', isin: 'INE009A01021' },
    ]);
    expect(brokers(await world.room.find('NSE', 'ONLYUPSTOX'))).toEqual(['upstox']);
    expect(await world.room.find('NSE', 'INFY', 'dhan')).toEqual([]);

    const search = (q: string, more: object = {}) => world.room.search({ q, limit: 10, page: 1, ...more });
    expect(brokers((await search('infosys')).items)).toEqual(['zerodha', 'upstox']);
    expect(brokers((await search('infosys', { broker: 'upstox' })).items)).toEqual(['upstox']);
    expect(brokers((await search('only th')).items)).toEqual(['upstox']);
    const pages = await Promise.all([1, 2, 3, 4].map((page) => search('', { limit: 1, page })));
    expect(pages.map(({ items }) => brokers(items)[0])).toEqual(['zerodha', 'upstox', 'upstox', undefined]);
    expect(pages.map(({ nextPage }) => nextPage)).toEqual([2, 3, undefined, undefined]);
    expect((await search('infy', { broker: 'dhan' })).items).toEqual([]);
  });
});

import { open } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SessionEndedError } from '../../src/sessions/session-storage.ts';
import type { Database } from '../../src/storage/database.ts';
import { createImportStore, type ImportStore } from '../../src/symbols/import-store.ts';
import { createSqliteSymbolIndex } from '../../src/symbols/sqlite-symbol-store.ts';
import { createSymbolImporter } from '../../src/symbols/symbol-importer.ts';
import type { SymbolIndex } from '../../src/symbols/symbol-index.ts';
import { openMemory } from '../support/databases.ts';
import { sampleMasterText } from './sample-master.ts';
import { createSymbolWorld, ORIGIN, type SymbolWorld } from './symbol-world.ts';

describe('an importer whose database falters', () => {
  let database: Database;
  let world: SymbolWorld;
  let warnings: string[];

  beforeEach(async () => {
    database = await openMemory();
    world = createSymbolWorld(database);
    warnings = [];
  });
  afterEach(async () => {
    world.removeFiles();
    await database.close();
  });

  async function importWith(broken: { imports?: Partial<ImportStore>; index?: Partial<SymbolIndex> }) {
    const index = { ...createSqliteSymbolIndex(database), ...broken.index };
    const note = (_facts: object, message: string): void => void warnings.push(message);
    const importer = createSymbolImporter({
      imports: { ...createImportStore(database, index), ...broken.imports },
      index,
      forgetSymbols: async () => void world.caches.of.symbol.clear(),
      audit: { record: async () => undefined, recordMany: async () => undefined },
      acting: database.acting,
      clock: world.clock,
      log: { debug: note, info: note, warn: note, error: note },
    });
    const begun = await importer.begin({ fileName: 'a.csv', broker: undefined, origin: ORIGIN });
    if (begun.kind === 'busy') throw new Error('busy');
    const handle = await open(world.writeFile(sampleMasterText(600)));
    const outcome = await begun.started.run(handle);
    await handle.close();
    return outcome;
  }

  const stores = () => createImportStore(database, createSqliteSymbolIndex(database));
  const late = () => Promise.reject(new Error('Query read timeout'));

  it('has imported although the index could not be put in order', async () => {
    expect(await importWith({ index: { settle: late } })).toMatchObject({ status: 'done', instruments: 600 });
    expect(warnings).toEqual(['The index of symbols could not be put in order']);
  });

  it('has imported although the answer to the change over was lost', async () => {
    const imports: Partial<ImportStore> = {
      async changeOver(...given) {
        await stores().changeOver(...given);
        return late();
      },
    };
    expect(await importWith({ imports })).toMatchObject({
      status: 'done',
      broker: 'zerodha',
      instruments: 600,
    });
    expect(await world.room.find('NSE', 'INFY')).toHaveLength(1);
  });

  it('has failed, in words that tell nothing of the inside, when it could not store', async () => {
    const outcome = await importWith({ imports: { insert: late } });
    expect(outcome).toMatchObject({
      status: 'failed',
      problem:
        'Something went wrong on the server, and nothing was changed. The log says what; then try again.',
    });
    expect(warnings).toEqual(['An import of symbols failed']);
    expect(await stores().listLatest(1)).toMatchObject([{ status: 'failed' }]);
  });

  it('has failed, and says so to all, when the session that began it ended meanwhile', async () => {
    let writes = 0;
    const actor = {
      userId: 'asha',
      needsAdmin: true,
      async confirm() {
        writes += 1;
        if (writes > 2) throw new SessionEndedError();
      },
    };
    const outcome = await database.acting.run(actor, () => importWith({}));
    expect(outcome).toMatchObject({
      status: 'failed',
      problem:
        'The session that began the import ended before the import did. Nothing was changed: sign in and import the file again.',
    });
    expect(await stores().listLatest(1)).toMatchObject([{ status: 'failed' }]);
    expect(await world.room.find('NSE', 'INFY')).toEqual([]);
  });

  it('leaves an import whose end it could not write down to whoever looks next', async () => {
    expect(await importWith({ imports: { insert: late, giveUp: late } })).toMatchObject({ status: 'failed' });
    expect(await stores().running()).toBeDefined();
    world.clock.advance(16_000);
    await world.room.keeper.tidy();
    expect(await stores().running()).toBeUndefined();
    expect(world.audited).toMatchObject([{ type: 'symbols.import_failed' }]);
  });
});

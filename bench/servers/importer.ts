import { open } from 'node:fs/promises';
import { connect } from '../../src/boot/connect.ts';
import { createLogger } from '../../src/boot/logger.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { connectDatabase } from '../../src/storage/database.ts';
import { createSymbolFeature } from '../../src/symbols/symbol-feature.ts';
import { measureWork, type WorkFigures } from './measure-work.ts';

/** Imports a file, or searches for each text over a connection that was never used before. */
export type SymbolOrder =
  | { readonly kind: 'import'; readonly file: string }
  | { readonly kind: 'search'; readonly texts: readonly string[] };

export interface ImportResult extends WorkFigures {
  readonly instruments: number;
}

export interface SearchResult {
  /** Milliseconds, and how many instruments came back, for each text. */
  readonly searches: readonly { readonly ms: number; readonly found: number }[];
}

const config = parseConfig(process.env);
const log = createLogger(config.logLevel);
const infrastructure = await connect(config, systemClock, log);
const services = compose({ config, infrastructure, log, internalOrigin: () => config.baseUrl });
process.on('message', (order: SymbolOrder) => void carryOut(order).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit());

function carryOut(order: SymbolOrder): Promise<ImportResult | SearchResult> {
  return order.kind === 'import' ? importFile(order.file) : search(order.texts);
}

async function importFile(file: string): Promise<ImportResult> {
  const begun = await services.symbols.importer.begin({
    fileName: file,
    broker: undefined,
    origin: { actor: 'bench' },
  });
  if (begun.kind === 'busy') throw new Error('Another import is running');
  const handle = await open(file);
  const { result: outcome, figures } = await measureWork(() => begun.started.run(handle));
  await handle.close();
  if (outcome.status !== 'done') throw new Error(outcome.problem);
  return { instruments: outcome.instruments, ...figures };
}

async function search(texts: readonly string[]): Promise<SearchResult> {
  const searches: { ms: number; found: number }[] = [];
  for (const q of texts) {
    const database = connectDatabase(config.database);
    await database.ping();
    const { caches, audit } = services;
    const invalidateCached = () => Promise.resolve();
    const room = createSymbolFeature({ database, caches, invalidateCached, clock: systemClock, audit, log });
    const startedAt = performance.now();
    const { items } = await room.search({ q, limit: 50, page: 1 });
    searches.push({ ms: performance.now() - startedAt, found: items.length });
    await database.close();
  }
  return { searches };
}

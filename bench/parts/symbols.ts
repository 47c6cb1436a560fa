import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_SECRETS } from '../../test/support/test-server.ts';
import { sampleMasterText } from '../../test/symbols/sample-master.ts';
import { type Child, startChild } from '../child-process.ts';
import { alternate, type Comparison, type Metric, type Sample } from '../comparison.ts';
import { BENCH_FOLDER } from '../folders.ts';
import { CURFEW_FLAGS } from '../server.ts';
import type { ImportResult, SearchResult, SymbolOrder } from '../servers/importer.ts';
import type { Workshop } from '../workshop.ts';

const ROWS = 150_000;
const MOST_ROUNDS = 3;
const SEARCHES_EACH = 20;

/** What people type, then what finds half of the master, then what finds nothing, and costs the most. */
const TEXTS = [
  'nifty 24 dec 25000 ce',
  'NIFTY24DEC25000CE',
  'nifty24d05',
  'nifty',
  'banknifty jan 52000 pe',
  'infy',
  'reliance',
  'tata motors',
  'M&M',
  'bajaj-auto',
  'usdinr 84.25 ce',
  'sensex 80000 call',
  'NSE:SBIN',
  'ce',
  'n',
  '2',
  '',
  'zzzz',
  'nifty%',
  'option nfo 2025 25 call pe 2024 24',
  'ce pe',
];
const FINDS_NOTHING: ReadonlySet<string> = new Set(TEXTS.slice(TEXTS.indexOf('zzzz')));

const IMPORT_METRICS: readonly Metric[] = [
  { name: 'seconds', better: undefined, digits: 2 },
  { name: 'event loop p99 ms', better: undefined, digits: 1 },
  { name: 'event loop max ms', better: undefined, digits: 1 },
  { name: 'peak resident MB', better: undefined, digits: 0 },
];

const SEARCH_METRICS: readonly Metric[] = [
  { name: 'p50 ms', better: undefined, digits: 2 },
  { name: 'p99 ms', better: undefined, digits: 2 },
  { name: 'max ms', better: undefined, digits: 2 },
];

/** A master of 150,000 instruments: importing it, and searching it over connections that were never used before. */
export async function compareSymbols(workshop: Workshop): Promise<readonly Comparison[]> {
  const file = `${workshop.newDatabaseFile()}.csv`;
  writeFileSync(file, sampleMasterText(ROWS));
  const children = await startChildren(workshop);
  const rounds = Math.min(MOST_ROUNDS, workshop.options.rounds);
  const eachChild = (measure: (child: Child) => Promise<Sample>, times = 1) =>
    alternate(
      Object.fromEntries(Object.entries(children).map(([name, child]) => [name, () => measure(child)])),
      times,
    );

  await eachChild((child) => measureImport(child, file));
  // Before the next imports: what they replace stays for half a minute, and searches would have to look past it.
  const searches = await eachChild(measureSearches, rounds);
  return [
    {
      title: `Importing ${ROWS} instruments in place of as many`,
      metrics: IMPORT_METRICS,
      subjects: await eachChild((child) => measureImport(child, file), rounds),
    },
    {
      title: `Searching them for ${TEXTS.length} texts, each ${SEARCHES_EACH} times, each over a new connection`,
      metrics: SEARCH_METRICS,
      subjects: searches,
    },
  ];
}

/** SQLite; and Postgres where it is installed. */
async function startChildren(workshop: Workshop): Promise<Readonly<Record<string, Child>>> {
  const start = (databaseUrl: string): Child => {
    const child = startChild({
      module: join(BENCH_FOLDER, 'servers/importer.ts'),
      cpu: workshop.placement.server,
      nodeFlags: CURFEW_FLAGS,
      env: { ...TEST_SECRETS, DATABASE_URL: databaseUrl, LOG_LEVEL: 'warn' },
    });
    workshop.atEnd(() => child.stop());
    return child;
  };
  const postgres = await workshop.newPostgresDatabase();
  return {
    SQLite: start(`sqlite:${workshop.newDatabaseFile()}`),
    ...(postgres === undefined ? {} : { Postgres: start(postgres) }),
  };
}

async function measureImport(child: Child, file: string): Promise<Sample> {
  const result = await child.ask<ImportResult>({ kind: 'import', file } satisfies SymbolOrder);
  if (result.instruments !== ROWS) throw new Error(`${result.instruments} instruments were imported`);
  return {
    seconds: result.seconds,
    'event loop p99 ms': result.loopP99Ms,
    'event loop max ms': result.loopMaxMs,
    'peak resident MB': result.peakResidentMb,
  };
}

async function measureSearches(child: Child): Promise<Sample> {
  const texts = Array.from({ length: SEARCHES_EACH }, () => TEXTS).flat();
  const { searches } = await child.ask<SearchResult>({ kind: 'search', texts } satisfies SymbolOrder);
  searches.forEach(({ found }, index) => {
    const text = texts[index] ?? '';
    if (found > 0 === FINDS_NOTHING.has(text)) throw new Error(`“${text}” found ${found} instruments`);
  });
  const sorted = searches.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'max ms': at(1) };
}

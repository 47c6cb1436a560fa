import type { Comparison, SetupName } from './comparison.ts';
import type { Workshop } from './workshop.ts';

/** One of Curfew's two ways to run, with empty databases. */
export interface Setup {
  readonly name: SetupName;
  /** For Curfew. */
  readonly env: Readonly<{ DATABASE_URL: string; REDIS_URL: string }>;
}

/** Both, where Postgres is installed and --sqlite was not asked for. */
export async function setupsOf(workshop: Workshop): Promise<readonly SetupName[]> {
  return workshop.options.sqlite || (await workshop.newPostgresDatabase()) === undefined
    ? ['SQLite']
    : ['SQLite', 'Redis + Postgres'];
}

/** SQLite with the sessions in it; or Redis with Postgres. */
export async function newSetup(workshop: Workshop, name: SetupName): Promise<Setup> {
  if (name === 'SQLite')
    return { name, env: { DATABASE_URL: `sqlite:${workshop.newDatabaseFile()}`, REDIS_URL: '' } };
  const DATABASE_URL = (await workshop.newPostgresDatabase()) ?? '';
  return { name, env: { DATABASE_URL, REDIS_URL: await workshop.newRedisDatabase() } };
}

/** The same comparisons in each way to run, the servers of one ended before the next. */
export async function inEachSetup(
  workshop: Workshop,
  compare: (setup: Setup) => Promise<readonly Comparison[]>,
): Promise<readonly Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const setup of await setupsOf(workshop)) {
    for (const comparison of await compare(await newSetup(workshop, setup)))
      comparisons.push({ ...comparison, setup, title: `${comparison.title}; ${setup}` });
    await workshop.stopStarted();
  }
  return comparisons;
}

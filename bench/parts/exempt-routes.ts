import { alternate, type Comparison } from '../comparison.ts';
import { LOAD_METRICS, measureLoad, type Target } from '../measure-load.ts';
import { makePeople } from '../people.ts';
import { startApp, startCurfew } from '../server.ts';
import type { Workshop } from '../workshop.ts';

const WARM_UP_SECONDS = 1;

const ROUTES: readonly Omit<Target, 'server'>[] = [
  { path: '/', mustContain: ['href="/auth/login"', '</html>'] },
  { path: '/assets/curfew.css', mustContain: ['.site-header'] },
];

/** What needs no session costs none: against Express and helmet alone. */
export async function compareExemptRoutes(workshop: Workshop): Promise<readonly Comparison[]> {
  const { placement, options } = workshop;
  const bare = await startApp('helmet-only', placement.server);
  workshop.atEnd(() => bare.stop());
  const file = workshop.newDatabaseFile();
  // Before there is anybody the first page asks the database whether there is.
  await makePeople(file, 1);
  const curfew = await startCurfew(placement.server, {
    DATABASE_URL: `sqlite:${file}`,
    REDIS_URL: await workshop.newRedisDatabase(),
  });
  workshop.atEnd(() => curfew.stop());

  const comparisons: Comparison[] = [];
  for (const route of ROUTES) {
    for (const server of [bare, curfew]) await measureLoad(workshop, { server, ...route }, WARM_UP_SECONDS);
    const measures = {
      'Express + helmet': () => measureLoad(workshop, { server: bare, ...route }),
      Curfew: () => measureLoad(workshop, { server: curfew, ...route }),
    };
    comparisons.push({
      title: `Exempt route: GET ${route.path} by anybody`,
      metrics: LOAD_METRICS,
      subjects: await alternate(measures, options.rounds),
    });
  }
  return comparisons;
}

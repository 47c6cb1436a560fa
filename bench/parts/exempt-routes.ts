import type { Comparison } from '../comparison.ts';
import { LOAD_METRICS, type Target } from '../measure-load.ts';
import { startApp } from '../server.ts';
import { inEachSetup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { loadByTurns, startCurfewWithPeople } from './guarded-page.ts';

const ROUTES: readonly Omit<Target, 'server'>[] = [
  { path: '/', mustContain: ['href="/auth/login"', '</html>'] },
  // A form has a token, which the others have not: their page is a little shorter.
  { path: '/auth/login', mustContain: ['name="username"', '</html>'] },
  { path: '/assets/curfew.css', mustContain: ['.site-header'] },
];

/** What needs no session costs none: against Express and helmet alone, with the same views. */
export function compareExemptRoutes(workshop: Workshop): Promise<readonly Comparison[]> {
  return inEachSetup(workshop, async (setup) => {
    const bare = await startApp('helmet-only', workshop.placement.server);
    workshop.atEnd(() => bare.stop());
    const curfew = await startCurfewWithPeople(workshop, setup);
    const comparisons: Comparison[] = [];
    for (const route of ROUTES) {
      const targets = {
        'Express + helmet': { server: bare, ...route },
        Curfew: { server: curfew, ...route },
      };
      comparisons.push({
        id: route.path,
        title: `Exempt route: GET ${route.path} by anybody`,
        metrics: LOAD_METRICS,
        subjects: await loadByTurns(workshop, targets),
      });
    }
    return comparisons;
  });
}

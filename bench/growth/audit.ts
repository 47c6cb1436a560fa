import { startCurfewWithPeople } from '../parts/guarded-page.ts';
import { startServices } from '../parts/sweep.ts';
import { signInAt } from '../people.ts';
import type { ServiceResult } from '../servers/services.ts';
import { newSetup, type Setup } from '../setups.ts';
import { type Growth, grow, type Line, quantile, timePages } from './points.ts';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** As the sweep writes them. */
const AT_ONCE = 500;
const SINGLE = 100;
const PAGES_EACH = 10;

const PAGES = {
  'newest page': '/security/audit',
  'page of a word that no row has': '/security/audit?q=nowhere',
};

/** The audit log's chain: adding to it, proving it and reading it. */
export async function growAudit(growth: Growth, setup: Setup['name']): Promise<readonly Line[]> {
  const { workshop } = growth;
  const { env } = await newSetup(workshop, setup);
  await startCurfewWithPeople(workshop, { name: setup, env }, { role: 'admin' });
  await workshop.stopStarted();
  let rows = 0;
  return grow(growth, 'audit', setup, SIZES, async (size) => {
    const services = startServices(workshop, env);
    const added = await services.ask<ServiceResult>({ kind: 'audit', events: size - rows, atOnce: AT_ONCE });
    const single = await services.ask<ServiceResult>({ kind: 'audit', events: SINGLE, atOnce: 1 });
    rows = size + SINGLE;
    const proof = await services.ask<ServiceResult>({ kind: 'verify' });
    await services.stop();
    const curfew = await startCurfewWithPeople(workshop, { name: setup, env }, { people: 0 });
    const pages = await timePages(curfew.origin, await signInAt(curfew.origin), PAGES, PAGES_EACH);
    await workshop.stopStarted();
    return {
      'one event, p50 ms': quantile(single.ms, 0.5),
      '500 events together, p50 ms': quantile(added.ms, 0.5),
      'proving the whole chain, s': proof.seconds,
      'event loop meanwhile, p99 ms': proof.loopP99Ms,
      ...pages,
    };
  });
}

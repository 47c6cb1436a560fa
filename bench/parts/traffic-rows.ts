import { alternate, type Comparison, type Sample } from '../comparison.ts';
import { measureLoad, warmUp } from '../measure-load.ts';
import { openUrl } from '../people.ts';
import { inEachSetup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { brokerPage, startCurfewWithPeople } from './guarded-page.ts';

/** How long a batch of the traffic log keeps the event loop, while a page is asked for as fast as it comes. */
export function measureTrafficRows(workshop: Workshop): Promise<readonly Comparison[]> {
  return inEachSetup(workshop, async (setup) => {
    const curfew = await startCurfewWithPeople(workshop, setup);
    const page = await brokerPage(curfew);
    await warmUp(workshop, page);
    await curfew.ask({ ask: 'time-traffic' });

    async function measure(): Promise<Sample> {
      await curfew.ask({ ask: 'traffic-blocks' });
      await measureLoad(workshop, page);
      const blocks = (await curfew.ask<readonly number[]>({ ask: 'traffic-blocks' })).toSorted(
        (a, b) => a - b,
      );
      if (blocks.length === 0) throw new Error('No batch of traffic rows was seen');
      const at = (share: number): number => blocks[Math.ceil(share * blocks.length) - 1] ?? 0;
      return { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'longest ms': at(1), batches: blocks.length };
    }

    const subjects = await alternate({ Curfew: measure }, workshop.options.rounds);
    if ((await countRows(setup.env.DATABASE_URL)) === 0) throw new Error('There are no traffic rows');
    return [
      {
        id: 'traffic-rows',
        title: 'The event loop blocked by each batch of traffic rows, under the load of a guarded page',
        metrics: [
          { name: 'p50 ms', better: 'less', digits: 2 },
          { name: 'p99 ms', better: 'less', digits: 2 },
          { name: 'longest ms', better: 'less', digits: 2 },
          { name: 'batches', better: undefined, digits: 0 },
        ],
        subjects,
      },
    ];
  });
}

async function countRows(databaseUrl: string): Promise<number> {
  const { db, close } = await openUrl(databaseUrl);
  const { rows } = await db
    .selectFrom('traffic_log')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  await close();
  return Number(rows);
}

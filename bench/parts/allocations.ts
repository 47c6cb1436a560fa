import type { HeapProfiler } from 'node:inspector';
import { alternate, type Comparison, type Sample } from '../comparison.ts';
import { measureLoad, warmUp } from '../measure-load.ts';
import { allocatedBytes } from '../profile.ts';
import { inEachSetup } from '../setups.ts';
import type { Workshop } from '../workshop.ts';
import { brokerPage, startCurfewWithPeople } from './guarded-page.ts';

const REQUESTS = 10_000;
const MOST_ROUNDS = 3;

/** What a guarded request allocates, also where it is freed again, by a heap sampling. */
export function measureAllocations(workshop: Workshop): Promise<readonly Comparison[]> {
  return inEachSetup(workshop, async (setup) => {
    const curfew = await startCurfewWithPeople(workshop, setup);
    const page = await brokerPage(curfew);
    await warmUp(workshop, page);

    async function measure(): Promise<Sample> {
      await curfew.ask({ ask: 'start-profile', of: 'memory' });
      await measureLoad(workshop, page, { requests: REQUESTS });
      const heap = await curfew.ask<HeapProfiler.SamplingHeapProfile>({ ask: 'memory-profile' });
      return { 'KiB/request': allocatedBytes(heap) / 1024 / REQUESTS };
    }

    return [
      {
        id: 'allocations',
        title: `Memory allocated by each of ${REQUESTS} guarded requests`,
        metrics: [{ name: 'KiB/request', better: 'less', digits: 1 }],
        subjects: await alternate({ Curfew: measure }, Math.min(MOST_ROUNDS, workshop.options.rounds)),
      },
    ];
  });
}

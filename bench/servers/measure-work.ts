import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

/** How long work took, and what it did to its process. */
export interface WorkFigures {
  readonly seconds: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly peakResidentMb: number;
}

const NEXT_LOOK_MS = 5;

export async function measureWork<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly figures: WorkFigures }> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  // It counts from the first time that it looks.
  await wait(NEXT_LOOK_MS);
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  // What blocked the loop until now is seen at its next turn.
  await wait(NEXT_LOOK_MS);
  delays.disable();
  return {
    result,
    figures: {
      seconds,
      loopP99Ms: delays.percentile(99) / 1e6,
      loopMaxMs: delays.max / 1e6,
      peakResidentMb: process.resourceUsage().maxRSS / 1024,
    },
  };
}

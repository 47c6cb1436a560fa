import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises';

/**
 * Loaded into a server by `--import`, before the server itself: tells the benchmark, whenever it asks, what the process
 * has used since it started. All threads count: the collector's and libuv's too.
 */
export interface Usage {
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
}

/** What a benchmark may ask of a server's process. */
export type Question =
  | { readonly ask: 'usage' }
  | { readonly ask: 'start-profile'; readonly of: 'time' | 'memory' }
  | { readonly ask: 'time-profile' }
  | { readonly ask: 'memory-profile' };

const SAMPLE_EVERY_MICROSECONDS = 250;
const SAMPLE_EVERY_BYTES = 32_768;

const inspector = new Session();

async function answer(question: Question): Promise<object> {
  switch (question.ask) {
    case 'usage':
      return readUsage();
    case 'start-profile':
      return question.of === 'time' ? startTimeProfile() : startMemoryProfile();
    case 'time-profile': {
      const { profile }: { profile: Profiler.Profile } = await inspector.post('Profiler.stop');
      return profile;
    }
    case 'memory-profile': {
      const { profile }: { profile: HeapProfiler.SamplingHeapProfile } =
        await inspector.post('HeapProfiler.stopSampling');
      return profile;
    }
  }
}

function readUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() };
}

async function startTimeProfile(): Promise<object> {
  inspector.connect();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROSECONDS });
  await inspector.post('Profiler.start');
  return {};
}

/** What was freed again counts as well. */
async function startMemoryProfile(): Promise<object> {
  await inspector.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLE_EVERY_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  return {};
}

process.on('message', (question: Question) => {
  void answer(question).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

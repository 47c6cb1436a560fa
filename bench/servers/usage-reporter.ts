import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises';
import type * as TrafficBlocks from './traffic-blocks.ts';

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
  | { readonly ask: 'memory-profile' }
  | { readonly ask: 'time-traffic' }
  | { readonly ask: 'traffic-blocks' };

const SAMPLE_EVERY_MICROSECONDS = 250;
const SAMPLE_EVERY_BYTES = 32_768;

const inspector = new Session();
let isConnected = false;

function connectOnce(): void {
  if (!isConnected) inspector.connect();
  isConnected = true;
}

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
    case 'time-traffic':
      (await trafficBlocks()).timeTrafficWrites();
      return {};
    case 'traffic-blocks':
      return (await trafficBlocks()).takeTrafficBlocks();
  }
}

/** Loaded when it is asked for: a server without a database has no use for it. */
const trafficBlocks = (): Promise<typeof TrafficBlocks> => import('./traffic-blocks.ts');

function readUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMicroseconds: user + system, residentBytes: process.memoryUsage.rss() };
}

async function startTimeProfile(): Promise<object> {
  connectOnce();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROSECONDS });
  await inspector.post('Profiler.start');
  return {};
}

/** What was freed again counts as well. */
async function startMemoryProfile(): Promise<object> {
  connectOnce();
  await inspector.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLE_EVERY_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  return {};
}

process.on('message', (question: Question) => {
  answer(question).then(
    (reply) => process.send?.(reply),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

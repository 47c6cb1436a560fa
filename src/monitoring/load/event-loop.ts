import { monitorEventLoopDelay } from 'node:perf_hooks';

/** By how much the process was late, in milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** How long tasks wait because this process is busy with something else. */
export interface EventLoop {
  start(): void;
  stop(): void;
  /** Ends one piece of the measurement and begins the next one: to be called every fifteen seconds. */
  nextPiece(): void;
  /** Of the last minute: the worst of its pieces. Undefined where nothing was measured yet. */
  recent(): LoopDelay | undefined;
  /** The p99 that the last two pieces both had at least: a single long task raises no alert. */
  steadyP99Ms(): number;
}

/** Node's monitor of the event loop. */
export type LoopMonitor = Pick<
  ReturnType<typeof monitorEventLoopDelay>,
  'enable' | 'disable' | 'reset' | 'percentile' | 'max' | 'count'
>;

/** A look every so often: fifty a second cost a quarter of a per cent of a processor. */
const RESOLUTION_MS = 20;
const PIECES = 4;

export function createEventLoop(openMonitor: () => LoopMonitor = openNodeMonitor): EventLoop {
  let histogram: LoopMonitor | undefined;
  let pieces: readonly LoopDelay[] = [];

  return {
    start() {
      histogram ??= openMonitor();
      histogram.enable();
    },
    stop: () => void histogram?.disable(),
    nextPiece() {
      if (histogram === undefined || histogram.count === 0) return;
      pieces = [...pieces.slice(1 - PIECES), readDelay(histogram)];
      histogram.reset();
    },
    recent() {
      if (pieces.length === 0) return undefined;
      const worst = (name: keyof LoopDelay): number => Math.max(...pieces.map((piece) => piece[name]));
      return { p50Ms: worst('p50Ms'), p99Ms: worst('p99Ms'), longestMs: worst('longestMs') };
    },
    steadyP99Ms: () => (pieces.length < 2 ? 0 : Math.min(...pieces.slice(-2).map(({ p99Ms }) => p99Ms))),
  };
}

const openNodeMonitor = (): LoopMonitor => monitorEventLoopDelay({ resolution: RESOLUTION_MS });

/** Node measures the time between two looks: the resolution is not part of the delay. */
function readDelay(histogram: LoopMonitor): LoopDelay {
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  return {
    p50Ms: late(histogram.percentile(50)),
    p99Ms: late(histogram.percentile(99)),
    longestMs: late(histogram.max),
  };
}

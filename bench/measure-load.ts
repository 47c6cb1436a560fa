import type { Metric, Sample } from './comparison.ts';
import type { BenchServer } from './server.ts';
import type { Workshop } from './workshop.ts';

export const LOAD_METRICS: readonly Metric[] = [
  { name: 'requests/s', better: 'more', digits: 0 },
  { name: 'CPU µs/request', better: 'less', digits: 1 },
  { name: 'p50 ms', better: 'less', digits: 2 },
  { name: 'p99 ms', better: 'less', digits: 2 },
  { name: 'Redis commands/request', better: undefined, digits: 2 },
  { name: 'resident MB', better: 'less', digits: 0 },
];

export interface Target {
  readonly server: BenchServer;
  readonly path: string;
  readonly cookie?: string;
  /** Beside Accept and the cookie. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Stands in the body of every right answer. */
  readonly mustContain: readonly string[];
}

/** Puts one server under load and reads what that cost it. */
export async function measureLoad(
  workshop: Workshop,
  { server, path, cookie, headers = {}, mustContain }: Target,
  { seconds = workshop.options.seconds, requests }: { seconds?: number; requests?: number } = {},
): Promise<Sample> {
  const [usageBefore, commandsBefore] = [await server.usage(), await workshop.countCommands()];
  const load = await workshop.load.saturate({
    url: server.origin + path,
    headers: { Accept: 'text/html', ...headers, ...(cookie === undefined ? {} : { Cookie: cookie }) },
    connections: workshop.options.connections,
    seconds,
    requests,
    mustContain,
  });
  const [usage, commands] = [await server.usage(), await workshop.countCommands()];
  return {
    requests: load.requests,
    'requests/s': load.requests / load.seconds,
    'CPU µs/request': (usage.cpuMicroseconds - usageBefore.cpuMicroseconds) / load.requests,
    'p50 ms': load.p50Ms,
    'p99 ms': load.p99Ms,
    'Redis commands/request': (commands - commandsBefore - 1) / load.requests,
    'resident MB': usage.residentBytes / 2 ** 20,
  };
}

/** Until the server's code is compiled; no longer than a round is. */
const WARM_UP_SECONDS = 2;

export async function warmUp(workshop: Workshop, target: Target): Promise<void> {
  await measureLoad(workshop, target, { seconds: Math.min(WARM_UP_SECONDS, workshop.options.seconds) });
}

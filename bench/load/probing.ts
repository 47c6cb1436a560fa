import { createHistogram } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

/** Somebody who asks now and then, while others keep the server busy. */
export interface ProbeOrder {
  readonly kind: 'probes';
  readonly origin: string;
  readonly seconds: number;
  readonly probes: readonly Probe[];
}

export interface Probe {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Stands in the body of every answer. */
  readonly mustContain: string;
}

export type ProbeResult = Readonly<Record<string, { readonly p50Ms: number; readonly p99Ms: number }>>;

const EVERY_MS = 20;

/** Asks at fixed moments, whether or not the last answer is there: waiting for it would hide how long it took. */
export async function probe({ origin, probes, seconds }: ProbeOrder): Promise<ProbeResult> {
  const latencies = probes.map(() => createHistogram());
  const asked: Promise<void>[] = [];
  const endsAt = performance.now() + seconds * 1000;
  while (performance.now() < endsAt) {
    probes.forEach((each, index) => {
      asked.push(
        ask(origin, each).then((ms) => latencies[index]?.record(Math.max(1, Math.round(ms * 1000)))),
      );
    });
    await wait(EVERY_MS);
  }
  await Promise.all(asked);
  return Object.fromEntries(
    probes.map(({ name }, index) => {
      const figures = latencies[index] ?? createHistogram();
      return [name, { p50Ms: figures.percentile(50) / 1000, p99Ms: figures.percentile(99) / 1000 }];
    }),
  );
}

async function ask(origin: string, { path, headers, mustContain }: Probe): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(origin + path, { headers, redirect: 'manual' });
  const body = await response.text();
  const ms = performance.now() - startedAt;
  if (response.status !== 200 || !body.includes(mustContain))
    throw new Error(`${path} answered ${response.status} to a probe, or with the wrong page`);
  return ms;
}

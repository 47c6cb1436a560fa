import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';

/** A page asked for again and again, each connection as soon as it has its answer. */
export interface SaturationOrder {
  readonly kind: 'saturation';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** In place of the seconds. */
  readonly requests: number | undefined;
  /** Every answer's body holds all of these. */
  readonly mustContain: readonly string[];
}

export interface SaturationResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Throws unless every single answer was a 200 with the right body: a redirect to the login page is fast, too. */
export function saturate(order: SaturationOrder): Promise<SaturationResult> {
  const { url, headers, connections, mustContain } = order;
  const latencies = createHistogram();
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const run = autocannon(
      {
        url,
        headers,
        connections,
        ...(order.requests === undefined ? { duration: order.seconds } : { amount: order.requests }),
        sampleInt: 100,
        verifyBody: (body) => mustContain.every((text) => body.includes(text)),
      },
      (error, { errors, mismatches, statusCodeStats }) => {
        if (error !== null) return reject(error);
        const statuses = Object.keys(statusCodeStats).join(', ');
        if (errors > 0 || mismatches > 0 || statuses !== '200')
          return reject(
            new Error(`${url}: ${errors} errors, ${mismatches} wrong bodies, statuses ${statuses}`),
          );
        resolve({
          requests: latencies.count,
          seconds: (performance.now() - startedAt) / 1000,
          p50Ms: latencies.percentile(50) / 1000,
          p99Ms: latencies.percentile(99) / 1000,
        });
      },
    );
    run.on('response', (_client, _status, _bytes, ms: number) =>
      latencies.record(Math.max(1, Math.round(ms * 1000))),
    );
  });
}

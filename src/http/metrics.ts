import { Router } from 'express';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { AppError } from '../errors.ts';
import type { IsListed } from './address-list.ts';
import { cameThroughUnknownProxy, clientAddress } from './client-address.ts';
import { methods } from './methods.ts';

/** A figure with what it is of, e.g. `{ cache: 'auth' }`. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** How often something was how large. */
export interface HistogramFigures {
  readonly labels: Sample['labels'];
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** For each bound, and for what is beyond all of them. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** `read` is asked at each scrape, so that a request pays nothing for it. A metric whose `read` fails is left out. */
interface MetricOptions<Figures> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly read: () => Figures | Promise<Figures>;
}

export type Metric = Counter | Gauge | Histogram;

/** A figure that only grows while the process runs. By the conventions of Prometheus its name ends in `_total`. */
export function counter({ read, ...options }: MetricOptions<number | readonly Sample[]>): Metric {
  return new Counter({
    ...options,
    registers: [],
    async collect() {
      const samples = toSamples(await read());
      this.reset();
      for (const { labels, value } of samples) this.inc(labels, value);
    },
  });
}

export function gauge({ read, ...options }: MetricOptions<number | readonly Sample[]>): Metric {
  return new Gauge({
    ...options,
    registers: [],
    async collect() {
      const samples = toSamples(await read());
      this.reset();
      for (const { labels, value } of samples) this.set(labels, value);
    },
  });
}

/** prom-client's own counts each observation itself; this one shows what is counted elsewhere. */
export function histogram({ read, ...options }: MetricOptions<readonly HistogramFigures[]>): Metric {
  return Object.assign(new Histogram({ ...options, registers: [] }), {
    /** The registry calls this. */
    getForPromString: async () => ({
      ...options,
      type: 'histogram',
      values: (await read()).flatMap((figures) => histogramValues(options.name, figures)),
    }),
  });
}

/** A sample for each name, which it has as this label. */
export function samplesBy(label: string, figures: Iterable<readonly [string, number]>): readonly Sample[] {
  return [...figures].map(([name, value]) => ({ labels: { [label]: name }, value }));
}

const toSamples = (figures: number | readonly Sample[]): readonly Sample[] =>
  typeof figures === 'number' ? [{ labels: {}, value: figures }] : figures;

/** As Prometheus has histograms: each bucket holds those before it as well, and the last one all. */
function histogramValues(name: string, { labels, bounds, counts, sum }: HistogramFigures) {
  let below = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le, bucket) => {
    below += counts[bucket] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}

/** One for each server: prom-client's global registry would mix those of one process. */
export function createMetricsRegistry(metrics: readonly Metric[]): Registry {
  const registry = new Registry();
  for (const metric of metrics) registry.registerMetric(metric);
  return registry;
}

export interface MetricsOptions {
  /** METRICS_ALLOW: who may see them, by the address of the client. */
  readonly isAllowed: IsListed;
}

/** An address that only a list for all clients has in it (RFC 5737). */
const ELSEWHERE = '192.0.2.1';

/** GET /metrics in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function createMetrics(registry: Registry, { isAllowed }: MetricsOptions): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/metrics', {
    get: async (req, res) => {
      const address = clientAddress(req);
      if (!isAllowed(address)) throw notForYou(address);
      if (!isAllowed(ELSEWHERE) && cameThroughUnknownProxy(req)) throw behindUnknownProxy(address);
      // One by one: `registry.metrics()` answers nothing at all when the database is away.
      const outcomes = await Promise.allSettled(
        registry.getMetricsAsArray().map(({ name }) => registry.getSingleMetricAsString(name)),
      );
      const texts = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? `${outcome.value}\n` : ''));
      res.set({ 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' }).send(texts.join(''));
    },
  });
  return router;
}

function notForYou(address: string): AppError {
  return new AppError(
    'forbidden',
    `The figures of this server are not for your address, ${address}. An administrator can name the address in METRICS_ALLOW.`,
  );
}

function behindUnknownProxy(address: string): AppError {
  return new AppError(
    'forbidden',
    `This request came through a proxy at ${address} that TRUST_PROXY does not name, so nothing tells whose it is. An administrator can add the proxy to TRUST_PROXY.`,
  );
}

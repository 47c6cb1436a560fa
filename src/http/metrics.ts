import { Router } from 'express';
import { AppError } from '../errors.ts';
import type { IsListed } from './address-list.ts';
import { clientAddress } from './client-address.ts';
import { methods } from './methods.ts';

/** A figure with what it is of, e.g. `{ cache: 'auth' }`. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** A histogram is written as several figures with names of their own: see `histogramSamples`. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

/** One metric of Prometheus. By its conventions the name of a counter ends in `_total`. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
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

/** As Prometheus has histograms: each bucket holds those before it as well, and the last one all. */
export function histogramSamples({ labels, bounds, counts, sum }: HistogramFigures): readonly Sample[] {
  let below = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le, bucket): Sample => {
    below += counts[bucket] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le }, value: below };
  });
  return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: below }];
}

/** Asked at each scrape. One that rejects is left out. */
export type MetricSource = () => readonly Metric[] | Promise<readonly Metric[]>;

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface MetricsOptions {
  /** METRICS_ALLOW: who may see them, by the address of the client. */
  readonly isAllowed: IsListed;
}

/** GET /metrics in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function createMetrics(sources: readonly MetricSource[], { isAllowed }: MetricsOptions): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/metrics', {
    get: async (req, res) => {
      const address = clientAddress(req);
      if (!isAllowed(address)) throw notForYou(address);
      const outcomes = await Promise.allSettled(sources.map(async (source) => source()));
      const metrics = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
      res
        .set({ 'Content-Type': CONTENT_TYPE, 'Cache-Control': 'no-store' })
        .send(metrics.map(write).join(''));
    },
  });
  return router;
}

function notForYou(address: string): AppError {
  return new AppError(
    'forbidden',
    `The figures of this server are not for your address, ${address}. Whoever runs it can name the address in METRICS_ALLOW.`,
  );
}

function write({ name, help, type, samples }: Metric): string {
  const lines = samples.map(
    ({ suffix = '', labels, value }) => `${name}${suffix}${writeLabels(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function writeLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

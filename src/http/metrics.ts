import { Router } from 'express';
import { methods } from './methods.ts';

/** A figure with what it is of, e.g. `{ cache: 'auth' }`. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric of Prometheus. By its conventions the name of a counter ends in `_total`. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

/** Asked at each scrape. One that rejects is left out. */
export type MetricSource = () => readonly Metric[] | Promise<readonly Metric[]>;

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** GET /metrics in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function createMetrics(sources: readonly MetricSource[]): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/metrics', {
    get: async (_req, res) => {
      const outcomes = await Promise.allSettled(sources.map(async (source) => source()));
      const metrics = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
      res
        .set({ 'Content-Type': CONTENT_TYPE, 'Cache-Control': 'no-store' })
        .send(metrics.map(write).join(''));
    },
  });
  return router;
}

function write({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${name}${writeLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function writeLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

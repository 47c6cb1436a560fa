import { LATENCY_BOUNDS_MS, quantileMs } from '../../core/latency-histogram.ts';
import type { TrafficHour } from '../../monitoring/traffic/hour-tally.ts';
import type { Chart, ChartSeries, ChartTone } from './chart.ts';
import { addEach } from './hour-rows.ts';
import type { Period } from './period.ts';
import { type TrafficCounts, tallyTraffic } from './tallies.ts';

/** Answered without a session: they would make the rest look quick. */
const NOT_TIMED: ReadonlySet<string> = new Set(['static', 'probe']);

const QUANTILES: readonly { readonly name: string; readonly q: number; readonly tone: ChartTone }[] = [
  { name: 'p99', q: 0.99, tone: 1 },
  { name: 'p95', q: 0.95, tone: 2 },
  { name: 'p50', q: 0.5, tone: 3 },
];

/** Charts of the requests that the traffic log has counted. */
export function trafficCharts(rows: readonly TrafficHour[], period: Period): readonly Chart[] {
  const tally = tallyTraffic(rows, period);
  return [requestChart(tally, period), refusalChart(tally, period), latencyChart(rows, period)];
}

function requestChart(tally: readonly TrafficCounts[], period: Period): Chart {
  return {
    id: `requests-by-${period.unit}`,
    title: 'Requests',
    shape: 'bars',
    measure: 'count',
    period,
    series: [counted('Successful', 1, tally, succeeded), counted('Failed', 2, tally, failed)],
    nothing: 'no request.',
    note: 'Without those of banned addresses.',
    behind: { href: '/security/traffic', text: 'Traffic' },
  };
}

function refusalChart(tally: readonly TrafficCounts[], period: Period): Chart {
  return {
    id: `refusals-by-${period.unit}`,
    title: 'Not found, refused, failed',
    shape: 'bars',
    measure: 'count',
    period,
    series: [
      counted('404 not found', 1, tally, ({ notFound }) => notFound),
      counted('Other 4xx', 2, tally, ({ clientErrors }) => clientErrors),
      counted('5xx, the server’s fault', 4, tally, ({ serverErrors }) => serverErrors),
    ],
    nothing: 'none.',
    note: '',
    behind: { href: '/security/traffic?status=400-599', text: 'Traffic' },
  };
}

function latencyChart(rows: readonly TrafficHour[], period: Period): Chart {
  const tally = tallyTraffic(rows, period, (routeClass) => !NOT_TIMED.has(routeClass));
  const all = tally.reduce<readonly number[]>((sum, { buckets }) => addEach(sum, buckets), []);
  const series: readonly ChartSeries[] = QUANTILES.map(({ name, q, tone }) => ({
    name,
    tone,
    values: tally.map(({ buckets }) => quantileMs(buckets, q)),
    whole: quantileMs(all, q),
  }));
  return {
    id: `latency-by-${period.unit}`,
    title: 'Time to answer',
    shape: 'lines',
    measure: 'milliseconds',
    period,
    series,
    nothing: 'no request.',
    note: `Estimated from counts; more than ${LONGEST} is drawn at ${LONGEST}. Without files and probes.`,
    behind: { href: '/security/load', text: 'Load' },
  };
}

const LONGEST = `${Math.max(...LATENCY_BOUNDS_MS) / 1000} s`;

const failed = (counts: TrafficCounts): number => counts.notFound + counts.clientErrors + counts.serverErrors;
const succeeded = (counts: TrafficCounts): number => counts.requests - failed(counts);

function counted(
  name: string,
  tone: ChartTone,
  tally: readonly TrafficCounts[],
  pick: (counts: TrafficCounts) => number,
): ChartSeries {
  const values = tally.map(pick);
  return { name, tone, values, whole: values.reduce((sum, value) => sum + value, 0) };
}

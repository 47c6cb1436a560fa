import { SECOND_MS } from '../../core/duration.ts';
import { LATENCY_BOUNDS_MS } from '../../core/latency-histogram.ts';
import { counter, gauge, histogram, type Metric, type Sample } from '../../http/metrics.ts';
import type { ClassLoad } from './class-load.ts';
import type { EventLoop } from './event-loop.ts';
import type { LoadWindow } from './load-window.ts';
import type { QueueDepths } from './queue-depths.ts';

export interface LoadMetricsDeps {
  readonly window: Pick<LoadWindow, 'total'>;
  readonly eventLoop: Pick<EventLoop, 'recent'>;
  readonly queues: QueueDepths;
  readonly countOpenAlerts: () => Promise<number>;
}

const BOUNDS_SECONDS = LATENCY_BOUNDS_MS.map((ms) => ms / SECOND_MS);

/** Of this node: requests and how long they took, the event loop, queues; and of all nodes, alerts. */
export function createLoadMetrics(deps: LoadMetricsDeps): readonly Metric[] {
  const { window, eventLoop, queues, countOpenAlerts } = deps;
  const classes = () => [...window.total()].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    histogram({
      name: 'curfew_http_request_duration_seconds',
      help: 'How long requests took, by class of routes; without those that wait on purpose.',
      read: () =>
        classes().map(([routeClass, load]) => ({
          labels: { class: routeClass },
          bounds: BOUNDS_SECONDS,
          counts: load.buckets,
          sum: load.totalMs / SECOND_MS,
        })),
    }),
    counter({
      name: 'curfew_http_requests_total',
      help: 'Requests by class of routes, and how they were answered: 404 apart from other 4xx.',
      labelNames: ['class', 'status'],
      read: () => classes().flatMap(([routeClass, load]) => statusSamples(routeClass, load)),
    }),
    gauge({
      name: 'curfew_event_loop_delay_seconds',
      help: 'How late the process was for its tasks in the last minute.',
      labelNames: ['quantile'],
      read() {
        const delay = eventLoop.recent();
        if (delay === undefined) return [];
        return [
          { labels: { quantile: '0.5' }, value: delay.p50Ms / SECOND_MS },
          { labels: { quantile: '0.99' }, value: delay.p99Ms / SECOND_MS },
          { labels: { quantile: '1' }, value: delay.longestMs / SECOND_MS },
        ];
      },
    }),
    gauge({
      name: 'curfew_queue_depth',
      help: 'What waits to be done, by queue.',
      labelNames: ['queue'],
      read: async () =>
        (await queues()).flatMap(({ queue, depth }) =>
          depth === undefined ? [] : [{ labels: { queue }, value: depth }],
        ),
    }),
    gauge({
      name: 'curfew_alerts',
      help: 'Open alerts: figures above their thresholds, of all nodes together.',
      read: countOpenAlerts,
    }),
  ];
}

function statusSamples(routeClass: string, load: ClassLoad): readonly Sample[] {
  const { requests, notFound, clientErrors, serverErrors } = load;
  const sample = (status: string, value: number): Sample => ({
    labels: { class: routeClass, status },
    value,
  });
  return [
    sample('ok', requests - notFound - clientErrors - serverErrors),
    sample('404', notFound),
    sample('4xx', clientErrors),
    sample('5xx', serverErrors),
  ];
}

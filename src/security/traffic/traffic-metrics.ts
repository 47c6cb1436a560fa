import type { MetricSource } from '../../http/metrics.ts';
import type { TrafficLog } from './traffic-log.ts';

export function createTrafficMetrics(
  trafficLog: Pick<TrafficLog, 'written' | 'waiting' | 'dropped'>,
): MetricSource {
  return () => [
    {
      name: 'curfew_traffic_written_total',
      help: 'Requests that this node has written to the traffic log.',
      type: 'counter',
      samples: [{ labels: {}, value: trafficLog.written }],
    },
    {
      name: 'curfew_traffic_waiting',
      help: 'Requests that wait to be written.',
      type: 'gauge',
      samples: [{ labels: {}, value: trafficLog.waiting }],
    },
    {
      name: 'curfew_traffic_dropped_total',
      help: 'Requests without a row in the traffic log: the database was too slow, or away for too long.',
      type: 'counter',
      samples: [{ labels: {}, value: trafficLog.dropped }],
    },
  ];
}

import { counter, gauge, type Metric } from '../../http/metrics.ts';
import type { TrafficLog } from './traffic-log.ts';

export function createTrafficMetrics(
  trafficLog: Pick<TrafficLog, 'written' | 'waiting' | 'dropped' | 'counted'>,
  countRows: () => Promise<number>,
): readonly Metric[] {
  return [
    counter({
      name: 'curfew_traffic_written_total',
      help: 'Requests that this node has written to the traffic log.',
      read: () => trafficLog.written,
    }),
    gauge({
      name: 'curfew_traffic_waiting',
      help: 'Requests that wait to be written.',
      read: () => trafficLog.waiting,
    }),
    counter({
      name: 'curfew_traffic_dropped_total',
      help: 'Requests without a row in the traffic log: the database was too slow, or away for too long.',
      read: () => trafficLog.dropped,
    }),
    counter({
      name: 'curfew_traffic_counted_total',
      help: 'Refused requests without a row of their own: one row a minute has their count.',
      read: () => trafficLog.counted,
    }),
    gauge({
      name: 'curfew_traffic_rows',
      help: 'Rows in the traffic log, at the most; TRAFFIC_LOG_ROWS is their limit.',
      read: countRows,
    }),
  ];
}

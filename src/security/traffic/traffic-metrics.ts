import type { MetricSource } from '../../http/metrics.ts';
import type { TrafficLog } from './traffic-log.ts';

export function createTrafficMetrics(
  trafficLog: Pick<TrafficLog, 'written' | 'waiting' | 'dropped' | 'counted'>,
  countRows: () => Promise<number>,
): MetricSource {
  return async () => {
    // The counters are for an outage, too.
    const rows = await countRows().catch(() => undefined);
    return [
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
      {
        name: 'curfew_traffic_counted_total',
        help: 'Refused requests without a row of their own: one row a minute has their count.',
        type: 'counter',
        samples: [{ labels: {}, value: trafficLog.counted }],
      },
      {
        name: 'curfew_traffic_rows',
        help: 'Rows in the traffic log, at the most; TRAFFIC_LOG_ROWS is their limit.',
        type: 'gauge',
        samples: rows === undefined ? [] : [{ labels: {}, value: rows }],
      },
    ];
  };
}

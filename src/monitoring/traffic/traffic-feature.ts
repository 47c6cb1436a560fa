import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { clientSubject } from '../../http/client-address.ts';
import type { Feature } from '../../http/feature.ts';
import { counter, gauge, type Metric } from '../../http/metrics.ts';
import type { RequestObserver } from '../../http/request-watch.ts';
import type { Database } from '../../storage/database.ts';
import { type AddressDetail, createClientMark } from './client-mark.ts';
import { createTrafficRouter } from './routes.ts';
import { createTrafficHourStore, type TrafficHourStore } from './traffic-hour-store.ts';
import { createTrafficLog, type TrafficLog } from './traffic-log.ts';
import type { TrafficPagesDeps } from './traffic-pages.ts';
import { createTrafficPurge, type TrafficPurge } from './traffic-purge.ts';
import { createTrafficSearchStore } from './traffic-search-store.ts';
import { createTrafficStore } from './traffic-store.ts';

export interface TrafficFeatureDeps {
  readonly database: Database;
  /** TRAFFIC_LOG_ADDRESSES. */
  readonly addresses: AddressDetail;
  /** PEPPER: what hashed addresses are keyed with. */
  readonly secrets: readonly string[];
  /** TRAFFIC_LOG_DAYS in milliseconds; 0 for none at all. */
  readonly retentionMs: number;
  /** TRAFFIC_LOG_ROWS. */
  readonly mostRows: number;
  readonly findUserId: TrafficPagesDeps['findUserId'];
  readonly clock: Clock;
  readonly log: Log;
}

export interface TrafficFeature extends Feature {
  readonly observe: RequestObserver;
  readonly trafficLog: TrafficLog;
  readonly purge: TrafficPurge;
  readonly hourStore: TrafficHourStore;
  /** An address as TRAFFIC_LOG_ADDRESSES has it; undefined where none may be kept. */
  readonly addressWords: (address: string) => string | undefined;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createTrafficFeature(deps: TrafficFeatureDeps): TrafficFeature {
  const { database, addresses, secrets, retentionMs, mostRows, findUserId, clock, log } = deps;
  const store = createTrafficStore(database);
  const hourStore = createTrafficHourStore(database);
  const mark = createClientMark({ detail: addresses, secrets });
  const purge = createTrafficPurge({ store, hourStore, retentionMs, mostRows, clock, log });
  const trafficLog = createTrafficLog({
    store,
    mark,
    clientSubject,
    keepsRows: retentionMs > 0,
    clock,
    log,
    onManyRows: purge.wake,
  });
  const searchStore = createTrafficSearchStore(database);
  return {
    observe: trafficLog.observe,
    trafficLog,
    purge,
    hourStore,
    addressWords: (address) => mark.of(address) ?? undefined,
    jobs: [trafficLog, purge],
    metrics: createTrafficMetrics(trafficLog, store.countAtMost),
    router: createTrafficRouter({
      searchStore,
      trafficLog,
      countRows: store.countAtMost,
      mostRows,
      mark,
      retentionMs,
      findUserId,
      clock,
    }),
  };
}

function createTrafficMetrics(
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

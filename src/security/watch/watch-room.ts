import { hostname } from 'node:os';
import type { AuditLog } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import type { BusyAddress } from '../../core/load-alarm.ts';
import type { Log } from '../../core/log.ts';
import { addressBucket, clientAddress } from '../../http/client-address.ts';
import type { MetricSource } from '../../http/metrics.ts';
import type { RequestObserver } from '../../http/request-watch.ts';
import type { Database } from '../../storage/database.ts';
import { type AlarmStore, createAlarmStore } from './alarm-store.ts';
import { type AlarmWatch, createAlarmWatch } from './alarm-watch.ts';
import { type AddressRules, toBusyAddresses } from './busy-addresses.ts';
import { createDroppedRows } from './dropped-rows.ts';
import { createEventLoop } from './event-loop.ts';
import { createLoadMetrics } from './load-metrics.ts';
import { createLoadWindow } from './load-window.ts';
import type { LoadHour } from './normal-range.ts';
import { createQueueDepths, type Queue } from './queue-depths.ts';
import type { LoadRouterDeps } from './routes.ts';

export interface WatchRoomDeps extends AddressRules {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** What was asked of all nodes by the hour, since an instant. */
  readonly hoursSince: (instant: number) => Promise<readonly LoadHour[]>;
  readonly queues: readonly Queue[];
  /** Rows that the traffic log of this node has lost since the process started. */
  readonly droppedRows: () => number;
}

export interface WatchRoom {
  readonly observe: RequestObserver;
  readonly alarmStore: AlarmStore;
  /** To be started once the server listens, and stopped when it closes. */
  readonly watch: AlarmWatch;
  readonly metrics: MetricSource;
  /** What the router takes besides who may see what. */
  readonly routes: LoadRouterDeps;
}

/** Addresses that an alarm names. */
const NAMED = 5;
/** More than that are looked at, because some read alike once they are shortened. */
const LOOKED_AT = 200;

/** Who asks so much less than the busiest one is not the cause. */
const NAMED_FROM_SHARE = 0.05;

function worthNaming(busy: readonly BusyAddress[]): readonly BusyAddress[] {
  const most = busy[0]?.requests ?? 0;
  return busy.filter(({ requests }) => requests >= most * NAMED_FROM_SHARE);
}

/** The whole room, wired. Opens nothing and starts nothing. */
export function createWatchRoom(deps: WatchRoomDeps): WatchRoom {
  const { database, clock, addressWords, hoursSince } = deps;
  const alarmStore = createAlarmStore(database);
  const window = createLoadWindow({ clock, subjectOf: (req) => addressBucket(clientAddress(req)) });
  const eventLoop = createEventLoop();
  const busiest = (of: Parameters<typeof window.busiest>[0]): readonly BusyAddress[] =>
    worthNaming(toBusyAddresses(window.busiest(of, LOOKED_AT), deps));
  const queues = createQueueDepths(deps.queues);
  const watch = createAlarmWatch({
    ...deps,
    window,
    eventLoop,
    alarmStore,
    droppedRows: createDroppedRows(deps.droppedRows, clock),
    busiest: (of) => busiest(of).slice(0, NAMED),
    node: `${hostname()}, process ${process.pid}`,
  });

  return {
    observe: window.observe,
    alarmStore,
    watch,
    metrics: createLoadMetrics({
      window,
      eventLoop,
      queues,
      countOpenAlarms: async () => (await alarmStore.listOpen()).length,
    }),
    routes: {
      window,
      eventLoop,
      queues,
      alarmStore,
      hoursSince,
      rangeOf: watch.rangeOf,
      busyAddresses: (most) => busiest({}).slice(0, most),
      showsAddresses: addressWords('192.0.2.1') === '192.0.2.1',
      clock,
    },
  };
}

import { hostname } from 'node:os';
import { type AlertThresholds, alertCause, alertLine, type BusyAddress } from '../../core/alert.ts';
import type { AuditLog } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { clientSubject, normaliseAddress } from '../../http/client-address.ts';
import type { Feature } from '../../http/feature.ts';
import type { RequestObserver } from '../../http/request-watch.ts';
import type { Database } from '../../storage/database.ts';
import { type AlertMonitor, createAlertMonitor } from './alert-monitor.ts';
import { createAlertStore } from './alert-store.ts';
import type { LoadHour } from './class-load.ts';
import { createEventLoop } from './event-loop.ts';
import { createLoadMetrics } from './load-metrics.ts';
import { createLoadWindow, type Senders } from './load-window.ts';
import { createQueueDepths, type Queue } from './queue-depths.ts';
import { createLoadRouter } from './routes.ts';

interface AddressRules {
  /** An address as TRAFFIC_LOG_ADDRESSES has it; undefined where none may be shown. */
  readonly addressWords: (address: string) => string | undefined;
  /** Whether an address, of IPv6 its /64, may be banned at all. */
  readonly mayBan: (subject: string) => boolean;
}

export interface WatchFeatureDeps extends AddressRules {
  readonly database: Database;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
  /** Requests to all nodes by the hour, since an instant. */
  readonly hoursSince: (instant: number) => Promise<readonly LoadHour[]>;
  readonly queues: readonly Queue[];
  /** Rows that the traffic log of this node has lost since the process started. */
  readonly droppedRows: () => number;
  readonly oldestPendingRevocation: () => Promise<number | undefined>;
  readonly thresholds: () => AlertThresholds;
}

export interface WatchFeature extends Feature {
  readonly observe: RequestObserver;
  /** What lasts, in words, but for waiting revocations: the overview has figures of its own for these. */
  openAlerts(): Promise<readonly { readonly what: string; readonly since: number }[]>;
  readonly monitor: AlertMonitor;
}

/** Addresses that an alert names. */
const NAMED = 5;
/** An address that asks so much less than the busiest one is not the cause. */
const NAMED_FROM_SHARE = 0.05;
const V6_BITS = '/64';

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createWatchFeature(deps: WatchFeatureDeps): WatchFeature {
  const { database, clock, thresholds, addressWords, hoursSince } = deps;
  const alertStore = createAlertStore(database);
  const window = createLoadWindow({
    clock,
    subjectOf: (req) => clientSubject(req).subject,
    slowMs: () => thresholds().slowMs,
  });
  const eventLoop = createEventLoop();
  const busiest = (senders: Senders): readonly BusyAddress[] => worthNaming(toBusyAddresses(senders, deps));
  const queues = createQueueDepths(deps.queues);
  const monitor = createAlertMonitor({
    ...deps,
    window,
    eventLoop,
    alertStore,
    toBusyAddresses: (senders) => busiest(senders).slice(0, NAMED),
    node: `${hostname()}, process ${process.pid}`,
  });

  return {
    observe: window.observe,
    openAlerts: async () =>
      (await alertStore.listOpen())
        .filter(({ what }) => what !== alertCause('revocation'))
        .map((alert) => ({ what: alertLine(alert), since: alert.raisedAt })),
    monitor,
    jobs: [monitor],
    cleanup: monitor.tidy,
    metrics: createLoadMetrics({
      window,
      eventLoop,
      queues,
      countOpenAlerts: async () => (await alertStore.listOpen()).length,
    }),
    router: createLoadRouter({
      window,
      eventLoop,
      queues,
      alertStore,
      hoursSince,
      busyAddresses: (most) => busiest(window.senders()).slice(0, most),
      showsAddresses: addressWords('192.0.2.1') === '192.0.2.1',
      clock,
    }),
  };
}

/** Addresses as they may be shown, the busiest first. Those that read alike then are one. */
function toBusyAddresses(senders: Senders, { addressWords, mayBan }: AddressRules): readonly BusyAddress[] {
  const busy = new Map<string, { address: string; requests: number; bannable: boolean }>();
  for (const [subject, requests] of senders) {
    const address = subject.endsWith(V6_BITS) ? subject.slice(0, -V6_BITS.length) : subject;
    const words = addressWords(address);
    if (words === undefined) continue;
    const isWhole = words === address && normaliseAddress(address) !== undefined;
    const known = busy.get(words) ?? {
      address: isWhole ? subject : words,
      requests: 0,
      bannable: isWhole && mayBan(subject),
    };
    busy.set(words, { ...known, requests: known.requests + requests });
  }
  return [...busy.values()].sort((a, b) => b.requests - a.requests);
}

function worthNaming(busy: readonly BusyAddress[]): readonly BusyAddress[] {
  const most = busy[0]?.requests ?? 0;
  return busy.filter(({ requests }) => requests >= most * NAMED_FROM_SHARE);
}

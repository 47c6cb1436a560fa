import { type AlertThresholds, alertHeading, alertLine, type BusyAddress } from '../../core/alert.ts';
import { type AuditLog, SYSTEM_ORIGIN } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { Log } from '../../core/log.ts';
import { createPoller, type Poller } from '../../core/poller.ts';
import { type NodeFigures, type Reading, readingsAbove } from './alert-readings.ts';
import type { AlertStore, StoredAlert } from './alert-store.ts';
import type { EventLoop } from './event-loop.ts';
import type { LoadWindow, Senders } from './load-window.ts';

/** Compares the figures of this node with the thresholds, and raises and ends alerts together with all other nodes. */
export interface AlertMonitor extends Pick<Poller, 'start' | 'stop'> {
  /** Once. Rejects when the database does not answer. */
  check(): Promise<void>;
  readonly tidy: () => Promise<void>;
}

export interface AlertMonitorDeps {
  readonly window: Pick<LoadWindow, 'recent'>;
  readonly eventLoop: EventLoop;
  /** Rows that the traffic log of this node has lost since the process started. */
  readonly droppedRows: () => number;
  /** Since when the oldest revocation is pending, in ms since the epoch; undefined when none is. */
  readonly oldestPendingRevocation: () => Promise<number | undefined>;
  readonly thresholds: () => AlertThresholds;
  /** The busiest of them, as they may be shown. */
  readonly toBusyAddresses: (senders: Senders) => readonly BusyAddress[];
  readonly alertStore: AlertStore;
  /** Name of this process in alerts. */
  readonly node: string;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
}

const EVERY_MS = 15 * SECOND_MS;
/** An alert ends when no node has seen its figure above the threshold for so long. */
const CALM_MS = 5 * MINUTE_MS;
const KEPT_MS = 90 * DAY_MS;

export function createAlertMonitor(deps: AlertMonitorDeps): AlertMonitor {
  const { window, eventLoop, alertStore, node, clock, audit, log } = deps;
  let droppedBefore = 0;
  let failing = false;

  async function check(): Promise<void> {
    for (const reading of readingsAbove(await measure(), deps.thresholds())) await note(reading);
    const now = clock.now();
    for (const alert of await alertStore.endUnseenSince(now - CALM_MS, now)) await tellEnd(alert);
  }

  async function measure(): Promise<NodeFigures> {
    eventLoop.nextPiece();
    const dropped = deps.droppedRows();
    const droppedRows = dropped - droppedBefore;
    droppedBefore = dropped;
    const pendingSince = await deps.oldestPendingRevocation();
    return {
      classes: window.recent(),
      eventLoopMs: eventLoop.steadyP99Ms(),
      droppedRows,
      pendingMs: pendingSince === undefined ? 0 : clock.now() - pendingSince,
    };
  }

  /** Of all nodes, the one that is first tells of it. */
  async function note({ what, figure, threshold, senders }: Reading): Promise<void> {
    const alert = { what, figure, threshold, node, busiest: deps.toBusyAddresses(senders) };
    if (!(await alertStore.raiseOrKeep(alert, clock.now()))) return;
    log.warn({ alert }, `Alert: ${alertLine(alert)}`);
    await audit.record({ type: 'alert.raised', ...alert }, SYSTEM_ORIGIN);
  }

  async function tellEnd({ what, worst, threshold, raisedAt }: StoredAlert): Promise<void> {
    log.info({ alert: { what, worst, threshold } }, `Alert over: ${alertHeading(what)}`);
    const event = { type: 'alert.ended', what, figure: worst, threshold, node, raisedAt } as const;
    await audit.record(event, SYSTEM_ORIGIN);
  }

  const poller = createPoller({
    intervalMs: EVERY_MS,
    async work() {
      await check();
      failing = false;
    },
    onError(error) {
      if (!failing) log.warn({ err: error }, 'The figures could not be compared with the alert thresholds');
      failing = true;
    },
  });

  return {
    check,
    tidy: () => alertStore.forgetEndedBefore(clock.now() - KEPT_MS),
    start() {
      eventLoop.start();
      poller.start();
    },
    async stop() {
      eventLoop.stop();
      await poller.stop();
    },
  };
}

import { type AuditLog, SYSTEM_ORIGIN } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import { startOfIstHour } from '../../core/ist.ts';
import { alarmHeading, alarmSentence, type BusyAddress } from '../../core/load-alarm.ts';
import type { Log } from '../../core/log.ts';
import { createPoller, type Poller } from '../../core/poller.ts';
import type { RouteClass } from '../../http/route-policy.ts';
import type { AlarmStore, LoadAlarm } from './alarm-store.ts';
import type { DroppedRows } from './dropped-rows.ts';
import type { EventLoop } from './event-loop.ts';
import { type Reading, readClass, readDroppedRows, readEventLoop } from './load-readings.ts';
import type { LoadWindow } from './load-window.ts';
import { LEARNED_FROM_MS, type LoadHour, type NormalRange, normalRange } from './normal-range.ts';

/** Looks at the figures of this node and raises and ends alarms, together with all other nodes. */
export interface AlarmWatch extends Pick<Poller, 'start' | 'stop'> {
  /** Looks once. Rejects when the database does not answer. */
  look(): Promise<void>;
  /** As far as it is known without asking the database. */
  rangeOf(routeClass: RouteClass): NormalRange;
  readonly tidy: () => Promise<void>;
}

export interface AlarmWatchDeps {
  readonly window: Pick<LoadWindow, 'recent'>;
  readonly eventLoop: EventLoop;
  readonly droppedRows: DroppedRows;
  /** Of the window, as they may be shown. */
  readonly busiest: (reading: Pick<Reading, 'routeClass' | 'only'>) => readonly BusyAddress[];
  readonly alarmStore: AlarmStore;
  /** The hours of all nodes since an instant, from which the normal range is learned. */
  readonly hoursSince: (instant: number) => Promise<readonly LoadHour[]>;
  /** What this process is called in alarms. */
  readonly node: string;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly log: Log;
}

const EVERY_MS = 15 * SECOND_MS;
/** An alarm ends when no node has seen its figure near the edge for so long. */
const CALM_MS = 2 * MINUTE_MS;
const KEPT_MS = 90 * DAY_MS;

export function createAlarmWatch(deps: AlarmWatchDeps): AlarmWatch {
  const { window, eventLoop, droppedRows, busiest, alarmStore, hoursSince, node, clock, audit, log } = deps;
  let hours: readonly LoadHour[] = [];
  let hoursReadFor = Number.NEGATIVE_INFINITY;
  let failing = false;

  async function look(): Promise<void> {
    eventLoop.nextPiece();
    droppedRows.look();
    await learn();
    const open = new Set((await alarmStore.listOpen()).map(({ what }) => what));
    for (const reading of readAll()) {
      if (reading.state === 'calm') continue;
      if (open.has(reading.what)) await alarmStore.keep(reading.what, reading.figure, clock.now());
      else if (reading.state === 'high') await raise(reading);
    }
    const ended = await alarmStore.endUnseenSince(clock.now() - CALM_MS, clock.now());
    for (const alarm of ended) await tellEnd(alarm);
  }

  function readAll(): readonly Reading[] {
    const classes = [...window.recent()].flatMap(([routeClass, load]) =>
      readClass(routeClass, load, rangeOf(routeClass)),
    );
    return [...classes, readEventLoop(eventLoop.steadyP99Ms()), readDroppedRows(droppedRows.recent())];
  }

  /** Once an hour is enough: only then there is a new one. */
  async function learn(): Promise<void> {
    const hour = startOfIstHour(clock.now());
    if (hour === hoursReadFor) return;
    hours = await hoursSince(clock.now() - LEARNED_FROM_MS);
    hoursReadFor = hour;
  }

  function rangeOf(routeClass: RouteClass): NormalRange {
    return normalRange(hours, routeClass, clock.now());
  }

  /** Of all nodes, the one that is first tells of it. */
  async function raise({ what, figure, normal, ...of }: Reading): Promise<void> {
    const alarm = { what, figure, normal, node, busiest: busiest(of) };
    if (!(await alarmStore.raise(alarm, clock.now()))) return;
    log.warn({ alarm }, `Alarm: ${alarmHeading(what)}. ${alarmSentence(alarm)}`);
    await audit.record({ type: 'alarm.raised', ...alarm }, SYSTEM_ORIGIN);
  }

  async function tellEnd({ what, worst, normal, raisedAt }: LoadAlarm): Promise<void> {
    log.info({ alarm: { what, worst, normal } }, `Alarm over: ${alarmHeading(what)}`);
    const event = { type: 'alarm.ended', what, figure: worst, normal, node, raisedAt } as const;
    await audit.record(event, SYSTEM_ORIGIN);
  }

  const poller = createPoller({
    intervalMs: EVERY_MS,
    async work() {
      await look();
      failing = false;
    },
    onError(error) {
      if (!failing) log.warn({ err: error }, 'The figures of the load could not be looked at');
      failing = true;
    },
  });

  return {
    look,
    rangeOf,
    tidy: () => alarmStore.forgetEndedBefore(clock.now() - KEPT_MS),
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

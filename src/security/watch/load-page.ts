import type { RequestHandler } from 'express';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { BusyAddress } from '../../core/load-alarm.ts';
import { renderPage } from '../../http/page.ts';
import { ROUTE_CLASSES, type RouteClass } from '../../http/route-policy.ts';
import type { AlarmStore } from './alarm-store.ts';
import { addCounts, type ClassLoad, newCounts } from './class-load.ts';
import type { EventLoop } from './event-loop.ts';
import {
  toAddressView,
  toAlarmView,
  toClassView,
  toDelayView,
  toQueueView,
  toRangeView,
} from './load-view.ts';
import type { LoadWindow } from './load-window.ts';
import type { LoadHour, NormalRange } from './normal-range.ts';
import type { QueueDepths } from './queue-depths.ts';

export interface LoadPageDeps {
  readonly window: Pick<LoadWindow, 'recent'>;
  readonly eventLoop: Pick<EventLoop, 'recent'>;
  readonly queues: QueueDepths;
  readonly alarmStore: Pick<AlarmStore, 'listOpen' | 'listSince'>;
  readonly hoursSince: (instant: number) => Promise<readonly LoadHour[]>;
  readonly rangeOf: (routeClass: RouteClass) => NormalRange;
  /** Of the window of this node, as they may be shown. */
  readonly busyAddresses: (most: number) => readonly BusyAddress[];
  /** Whether they are shown whole. */
  readonly showsAddresses: boolean;
  readonly clock: Clock;
}

export interface LoadPage {
  readonly show: RequestHandler;
  /** What changes on the page, and nothing around it: for its script. */
  readonly showLive: RequestHandler;
}

export const LOAD = '/security/load';
const ADDRESSES = 10;
const ALARMS_FROM_MS = 30 * DAY_MS;
const MOST_ALARMS = 50;

export function createLoadPage(deps: LoadPageDeps): LoadPage {
  const { window, eventLoop, queues, alarmStore, hoursSince, rangeOf, busyAddresses, clock } = deps;

  async function readFigures() {
    const now = clock.now();
    const [depths, open, recent, hours] = await Promise.all([
      queues(),
      alarmStore.listOpen(),
      alarmStore.listSince(now - ALARMS_FROM_MS, MOST_ALARMS),
      hoursSince(now - DAY_MS),
    ]);
    return {
      recent: toClassViews(window.recent()),
      day: toClassViews(sumHours(hours)),
      delay: toDelayView(eventLoop.recent()),
      queues: depths.map(toQueueView),
      open: open.map((alarm) => toAlarmView(alarm, now)),
      past: recent.filter(({ endedAt }) => endedAt !== undefined).map((alarm) => toAlarmView(alarm, now)),
      addresses: busyAddresses(ADDRESSES).map(toAddressView),
      showsAddresses: deps.showsAddresses,
      ranges: ROUTE_CLASSES.map((routeClass) => toRangeView(routeClass, rangeOf(routeClass))),
    };
  }

  return {
    async show(req, res) {
      renderPage(req, res, 'security/load/index', { title: 'Load', ...(await readFigures()) });
    },
    async showLive(req, res) {
      renderPage(req, res, 'security/load/live', { title: 'Load', ...(await readFigures()) });
    },
  };
}

function toClassViews(loads: ReadonlyMap<string, ClassLoad>) {
  return ROUTE_CLASSES.flatMap((routeClass) => {
    const load = loads.get(routeClass);
    return load === undefined ? [] : [toClassView(routeClass, load)];
  });
}

function sumHours(hours: readonly LoadHour[]): ReadonlyMap<string, ClassLoad> {
  const sums = new Map<string, ReturnType<typeof newCounts>>();
  for (const hour of hours) {
    const sum = sums.get(hour.routeClass) ?? newCounts();
    addCounts(sum, hour);
    sums.set(hour.routeClass, sum);
  }
  return sums;
}

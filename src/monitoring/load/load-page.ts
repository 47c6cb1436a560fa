import type { RequestHandler } from 'express';
import type { BusyAddress } from '../../core/alert.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import { renderPage } from '../../http/page.ts';
import { ROUTE_CLASSES } from '../../http/route-policy.ts';
import type { AlertStore } from './alert-store.ts';
import { addCounts, type ClassLoad, type LoadHour, newCounts } from './class-load.ts';
import type { EventLoop } from './event-loop.ts';
import { toAddressView, toAlertView, toClassView, toDelayView, toQueueView } from './load-view.ts';
import type { LoadWindow } from './load-window.ts';
import type { QueueDepths } from './queue-depths.ts';

export interface LoadPageDeps {
  readonly window: Pick<LoadWindow, 'recent'>;
  readonly eventLoop: Pick<EventLoop, 'recent'>;
  readonly queues: QueueDepths;
  readonly alertStore: Pick<AlertStore, 'listOpen' | 'listSince'>;
  readonly hoursSince: (instant: number) => Promise<readonly LoadHour[]>;
  /** Of the window of this node, as they may be shown. */
  readonly busyAddresses: (most: number) => readonly BusyAddress[];
  /** Whether they are shown whole. */
  readonly showsAddresses: boolean;
  readonly clock: Clock;
}

export interface LoadPage {
  readonly show: RequestHandler;
  /** The parts of the page that change, without the rest: for its script. */
  readonly showLive: RequestHandler;
}

export const LOAD = '/security/load';
const ADDRESSES = 10;
const ALERTS_FROM_MS = 30 * DAY_MS;
const MOST_ALERTS = 50;

export function createLoadPage(deps: LoadPageDeps): LoadPage {
  const { window, eventLoop, queues, alertStore, hoursSince, busyAddresses, clock } = deps;

  async function readFigures() {
    const now = clock.now();
    const [depths, open, recent, hours] = await Promise.all([
      queues(),
      alertStore.listOpen(),
      alertStore.listSince(now - ALERTS_FROM_MS, MOST_ALERTS),
      hoursSince(now - DAY_MS),
    ]);
    return {
      recent: toClassViews(window.recent()),
      day: toClassViews(sumHours(hours)),
      delay: toDelayView(eventLoop.recent()),
      queues: depths.map(toQueueView),
      open: open.map((alert) => toAlertView(alert, now)),
      past: recent.filter(({ endedAt }) => endedAt !== undefined).map((alert) => toAlertView(alert, now)),
      addresses: busyAddresses(ADDRESSES).map(toAddressView),
      showsAddresses: deps.showsAddresses,
    };
  }

  return {
    async show(req, res) {
      renderPage(req, res, 'monitoring/load/index', { title: 'Load', ...(await readFigures()) });
    },
    async showLive(req, res) {
      renderPage(req, res, 'monitoring/load/live', { title: 'Load', ...(await readFigures()) });
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

import type { Request, RequestHandler } from 'express';
import { renderPage } from '../../http/page.ts';
import type { TrafficHour } from '../../monitoring/traffic/hour-tally.ts';
import { toChartView } from './chart-view.ts';
import { eventCharts } from './event-charts.ts';
import { createHourHistory } from './hour-history.ts';
import { type AuditHour, auditByDay, trafficByDay } from './hour-rows.ts';
import { type NowFiguresDeps, readNowFigures } from './now-figures.ts';
import { toNowView } from './now-view.ts';
import { lastDays, lastHours } from './period.ts';
import { trafficCharts } from './traffic-charts.ts';

export interface OverviewPageDeps extends NowFiguresDeps {
  /** Counts by the hour, of hours that begin at an instant (ms since the epoch) or later. */
  readonly auditHoursSince: (instant: number) => Promise<readonly AuditHour[]>;
  readonly trafficHoursSince: (instant: number) => Promise<readonly TrafficHour[]>;
}

export interface OverviewPage {
  readonly show: RequestHandler;
  /** The parts of the page that change, for its script. */
  readonly live: RequestHandler;
}

export const OVERVIEW = '/security';
/** The span of the charts, in the address; without it they show 24 hours. */
const MONTH = '30d';

/** The first page of security: how things stand, and charts of 24 hours or 30 days. */
export function createOverviewPage(deps: OverviewPageDeps): OverviewPage {
  const { clock, auditHoursSince, trafficHoursSince } = deps;
  const auditHistory = createHourHistory({ clock, since: auditHoursSince, toDays: auditByDay });
  const trafficHistory = createHourHistory({ clock, since: trafficHoursSince, toDays: trafficByDay });

  async function readSpan(req: Request) {
    const isMonth = req.query['span'] === MONTH;
    const period = isMonth ? lastDays(clock.now()) : lastHours(clock.now());
    const [auditRows, trafficRows] = await Promise.all([auditHistory.read(), trafficHistory.read()]);
    const charts = [...eventCharts(auditRows, period), ...trafficCharts(trafficRows, period)].map(
      toChartView,
    );
    return {
      isMonth,
      unit: period.unit,
      drawn: charts.filter(({ drawing }) => drawing !== undefined),
      empty: charts.filter(({ drawing }) => drawing === undefined),
    };
  }

  return {
    async show(req, res) {
      const [now, span] = await Promise.all([readNowFigures(deps), readSpan(req)]);
      renderPage(req, res, 'admin/overview/index', {
        title: 'Security',
        modules: ['live-overview'],
        now: toNowView(now),
        span,
      });
    },

    async live(req, res) {
      // Opened in a tab, it has no frame.
      if (req.get('x-requested-with') === undefined) return res.redirect(303, OVERVIEW);
      const wantsCharts = req.query['charts'] === '1';
      const [now, span] = await Promise.all([readNowFigures(deps), wantsCharts ? readSpan(req) : undefined]);
      renderPage(req, res, 'admin/overview/live', { title: 'Security', now: toNowView(now), span });
    },
  };
}

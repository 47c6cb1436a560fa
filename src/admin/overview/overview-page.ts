import type { RequestHandler } from 'express';
import { renderPage } from '../../http/page.ts';
import type { TrafficHour } from '../../monitoring/traffic/hour-tally.ts';
import { type ChartView, toChartView } from './chart-view.ts';
import { eventCharts } from './event-charts.ts';
import { createHourHistory } from './hour-history.ts';
import { type AuditHour, auditByDay, trafficByDay } from './hour-rows.ts';
import { type NowFiguresDeps, readNowFigures } from './now-figures.ts';
import { toNowView } from './now-view.ts';
import { lastDays, lastHours, type Period } from './period.ts';
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

/** The first page of security: how things stand, and how they were for a day and a month. */
export function createOverviewPage(deps: OverviewPageDeps): OverviewPage {
  const { clock, auditHoursSince, trafficHoursSince } = deps;
  const auditHistory = createHourHistory({ clock, since: auditHoursSince, toDays: auditByDay });
  const trafficHistory = createHourHistory({ clock, since: trafficHoursSince, toDays: trafficByDay });

  async function readSpans() {
    const now = clock.now();
    const [auditRows, trafficRows] = await Promise.all([auditHistory.read(), trafficHistory.read()]);
    const chartsOf = (period: Period): readonly ChartView[] =>
      [...eventCharts(auditRows, period), ...trafficCharts(trafficRows, period)].map(toChartView);
    return [
      { id: 'last-hours', heading: 'Last 24 hours', unit: 'hour', charts: chartsOf(lastHours(now)) },
      { id: 'last-days', heading: 'Last 30 days', unit: 'day', charts: chartsOf(lastDays(now)) },
    ];
  }

  return {
    async show(req, res) {
      const [now, spans] = await Promise.all([readNowFigures(deps), readSpans()]);
      renderPage(req, res, 'admin/overview/index', {
        title: 'Security',
        modules: ['live-overview'],
        now: toNowView(now),
        spans,
      });
    },

    async live(req, res) {
      // Whoever opens this as a page wants the page.
      if (req.get('x-requested-with') === undefined) return res.redirect(303, OVERVIEW);
      const wantsCharts = req.query['charts'] === '1';
      const [now, spans] = await Promise.all([readNowFigures(deps), wantsCharts ? readSpans() : []]);
      renderPage(req, res, 'admin/overview/live', { title: 'Security', now: toNowView(now), spans });
    },
  };
}

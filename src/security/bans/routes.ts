import { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { ALLOW_LIST, type AllowListPageDeps, createAllowListPage } from './allow-list-page.ts';
import { type BanFilePagesDeps, createBanFilePages } from './ban-file-pages.ts';
import { BANS, type BanPagesDeps, createBanPages } from './ban-pages.ts';
import {
  ALERT_THRESHOLDS,
  createThresholdsPage,
  THRESHOLDS,
  type ThresholdsPageDeps,
} from './thresholds-page.ts';

export type BanRouterDeps = BanPagesDeps &
  BanFilePagesDeps &
  AllowListPageDeps &
  ThresholdsPageDeps & {
    /** Lets administrators pass, asked anew for each request. */
    readonly requireAdmin: RequestHandler;
  };

/** Bans, trusted addresses and thresholds, for administrators. */
export function createBanRouter(deps: BanRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const pages = createBanPages(deps);
  const files = createBanFilePages(deps);
  const allowList = createAllowListPage(deps);
  const thresholds = createThresholdsPage(deps);

  methods(router, BANS, { get: [requireAdmin, pages.list], post: [requireAdmin, pages.ban] });
  methods(router, `${BANS}/new`, { get: [requireAdmin, pages.showNew] });
  methods(router, `${BANS}/import`, {
    get: [requireAdmin, files.showImport],
    post: [requireAdmin, files.importFile],
  });
  methods(router, `${BANS}/export.csv`, { get: [requireAdmin, files.exportAs('csv')] });
  methods(router, `${BANS}/export.json`, { get: [requireAdmin, files.exportAs('json')] });
  methods(router, `${BANS}/:id/lifting`, {
    get: [requireAdmin, pages.showLifting],
    post: [requireAdmin, pages.lift],
  });
  methods(router, ALLOW_LIST, { get: [requireAdmin, allowList.show], post: [requireAdmin, allowList.add] });
  methods(router, `${ALLOW_LIST}/removal`, {
    get: [requireAdmin, allowList.showRemoval],
    post: [requireAdmin, allowList.remove],
  });
  methods(router, THRESHOLDS, {
    get: [requireAdmin, thresholds.show],
    post: [requireAdmin, thresholds.save],
  });
  methods(router, ALERT_THRESHOLDS, { post: [requireAdmin, thresholds.saveAlerts] });
  return router;
}

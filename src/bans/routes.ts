import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { ALLOWLIST, type AllowlistPageDeps, createAllowlistPage } from './allowlist-page.ts';
import { type BanFilePagesDeps, createBanFilePages, LARGEST_BAN_FILE_BYTES } from './ban-file-pages.ts';
import { BANS, type BanPagesDeps, createBanPages } from './ban-pages.ts';
import {
  ALERT_THRESHOLDS,
  createThresholdsPage,
  THRESHOLDS,
  type ThresholdsPageDeps,
} from './thresholds-page.ts';

export type BanRouterDeps = BanPagesDeps & BanFilePagesDeps & AllowlistPageDeps & ThresholdsPageDeps & {};

export const BAN_ROUTES: readonly RoutePolicy[] = [
  { path: BANS, role: 'admin', reauthenticate: { post: 'Ban an address' } },
  { path: `${BANS}/new`, role: 'admin', reauthenticate: { get: true } },
  {
    path: `${BANS}/import`,
    role: 'admin',
    reauthenticate: { get: true, post: 'Import bans' },
    upload: { mostBytes: LARGEST_BAN_FILE_BYTES },
  },
  { path: `${BANS}/export.csv`, role: 'admin', exports: 'bans' },
  { path: `${BANS}/export.json`, role: 'admin', exports: 'bans' },
  { path: `${BANS}/:id/lifting`, role: 'admin', reauthenticate: { get: true, post: 'Lift a ban' } },
  { path: ALLOWLIST, role: 'admin', reauthenticate: { get: true, post: 'Add an address to the allowlist' } },
  {
    path: `${ALLOWLIST}/removal`,
    role: 'admin',
    reauthenticate: { get: true, post: 'Remove an address from the allowlist' },
  },
  { path: THRESHOLDS, role: 'admin', reauthenticate: { get: true, post: 'Change the ban thresholds' } },
  { path: ALERT_THRESHOLDS, role: 'admin', reauthenticate: { post: 'Change the alert thresholds' } },
];

/** Bans, the allowlist and thresholds, for administrators. */
export function createBanRouter(deps: BanRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const pages = createBanPages(deps);
  const files = createBanFilePages(deps);
  const allowlist = createAllowlistPage(deps);
  const thresholds = createThresholdsPage(deps);

  methods(router, BANS, { get: pages.list, post: pages.ban });
  methods(router, `${BANS}/new`, { get: pages.showNew });
  methods(router, `${BANS}/import`, {
    get: files.showImport,
    post: files.importFile,
  });
  methods(router, `${BANS}/export.csv`, { get: files.exportAs('csv') });
  methods(router, `${BANS}/export.json`, { get: files.exportAs('json') });
  methods(router, `${BANS}/:id/lifting`, {
    get: pages.showLifting,
    post: pages.lift,
  });
  methods(router, ALLOWLIST, { get: allowlist.show, post: allowlist.add });
  methods(router, `${ALLOWLIST}/removal`, {
    get: allowlist.showRemoval,
    post: allowlist.remove,
  });
  methods(router, THRESHOLDS, {
    get: thresholds.show,
    post: thresholds.save,
  });
  methods(router, ALERT_THRESHOLDS, { post: thresholds.saveAlerts });
  return router;
}

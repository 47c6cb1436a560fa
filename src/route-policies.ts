import { ACCOUNT_ROUTES } from './accounts/routes.ts';
import { OVERVIEW_ROUTES } from './admin/overview/routes.ts';
import { PENDING_REVOCATION_ROUTES } from './admin/pending-revocations.ts';
import { PEOPLE_ROUTES } from './admin/people/routes.ts';
import { SERVER_SETTINGS_ROUTES } from './admin/server-settings.ts';
import { ADMIN_SESSION_ROUTES } from './admin/sessions/routes.ts';
import { API_ROUTES } from './api/api-router.ts';
import { KEY_ROUTES } from './api/keys-router.ts';
import { AUDIT_ROUTES } from './audit/routes.ts';
import { BAN_ROUTES } from './bans/routes.ts';
import { BROKER_ROUTES } from './broker/routes.ts';
import { SANDBOX_ROUTES } from './broker/sandbox/metadata.ts';
import { DASHBOARD_ROUTES } from './dashboard/routes.ts';
import { FEED_ROUTES } from './feed/routes.ts';
import { GATEWAY_ROUTES } from './gateway/routes.ts';
import { OPEN_ROUTES } from './http/probes.ts';
import type { RoutePolicy } from './http/route-policy.ts';
import { REPORT_ROUTES } from './monitoring/csp-reports/reports-page.ts';
import { LOAD_ROUTES } from './monitoring/load/routes.ts';
import { TRAFFIC_ROUTES } from './monitoring/traffic/routes.ts';
import { SESSION_ROUTES } from './sessions/routes.ts';
import { SETTINGS_ROUTES } from './settings/routes.ts';
import { STRATEGY_ROUTES } from './strategies/routes.ts';
import { SYMBOL_ROUTES } from './symbols/routes.ts';
import { TELEGRAM_ROUTES } from './telegram/routes.ts';
import { WATCHLIST_ROUTES } from './watchlist/watchlist-feature.ts';

/** The rows of all features, of which a test demands one for each mounted route, and a route for each. */
export const ROUTE_POLICIES: readonly RoutePolicy[] = [
  ...OPEN_ROUTES,
  ...API_ROUTES,
  ...SANDBOX_ROUTES,
  ...ACCOUNT_ROUTES,
  ...SESSION_ROUTES,
  ...DASHBOARD_ROUTES,
  ...BROKER_ROUTES,
  ...KEY_ROUTES,
  ...SYMBOL_ROUTES,
  ...SETTINGS_ROUTES,
  ...TELEGRAM_ROUTES,
  ...STRATEGY_ROUTES,
  ...FEED_ROUTES,
  ...GATEWAY_ROUTES,
  ...WATCHLIST_ROUTES,
  ...OVERVIEW_ROUTES,
  ...PENDING_REVOCATION_ROUTES,
  ...SERVER_SETTINGS_ROUTES,
  ...BAN_ROUTES,
  ...AUDIT_ROUTES,
  ...ADMIN_SESSION_ROUTES,
  ...PEOPLE_ROUTES,
  ...REPORT_ROUTES,
  ...TRAFFIC_ROUTES,
  ...LOAD_ROUTES,
];

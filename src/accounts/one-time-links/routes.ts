import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createDevicePage, type DevicePageDeps } from './device-page.ts';
import { createEmailPage, type EmailPageDeps } from './email-page.ts';
import { LINK_PURPOSES } from './one-time-links.ts';
import { createResetPage, createResetRequestPage, RESET_PAGE, type ResetPagesDeps } from './reset-pages.ts';

/** For anyone with the link, signed in or not. */
export const LINK_ROUTES: readonly RoutePolicy[] = [
  { path: RESET_PAGE, class: 'form' },
  ...Object.values(LINK_PURPOSES).map(({ path }): RoutePolicy => ({ path: `${path}/:token`, class: 'form' })),
];

export type LinkRouterDeps = ResetPagesDeps & DevicePageDeps & EmailPageDeps;

/** `/auth/reset`, and where one-time links lead. */
export function createLinkRouter(deps: LinkRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, RESET_PAGE, { ...createResetRequestPage(deps) });
  methods(router, `${RESET_PAGE}/:token`, { ...createResetPage(deps) });
  methods(router, `${LINK_PURPOSES.email_change.path}/:token`, { ...createEmailPage(deps) });
  methods(router, `${LINK_PURPOSES.device_end.path}/:token`, { ...createDevicePage(deps) });
  return router;
}

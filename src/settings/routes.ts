import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { createSettingsPage, type SettingsPageDeps } from './settings-page.ts';

export const SETTINGS_ROUTES: readonly RoutePolicy[] = [{ path: '/settings', viewersToo: true }];

/** `/settings`: what a person chooses for themselves. */
export function createSettingsRouter(deps: SettingsPageDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/settings', createSettingsPage(deps));
  return router;
}

import { Router } from 'express';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { createStrategyPage, type StrategyPageDeps } from './strategy-page.ts';
import { createStrategyPages, type StrategyPagesDeps } from './strategy-pages.ts';

export interface StrategyRouterDeps extends StrategyPagesDeps, StrategyPageDeps {}

/** Asked for the password is what lets more be traded; see `widensStrategy` for changes. */
export const STRATEGY_ROUTES: readonly RoutePolicy[] = [
  { path: '/strategies', reauthenticate: { post: 'Create a strategy' } },
  { path: '/strategies/new', reauthenticate: { get: true } },
  { path: '/strategies/symbols' },
  { path: '/strategies/:id' },
  { path: '/strategies/:id/edit' },
  { path: '/strategies/:id/activation', reauthenticate: { post: 'Activate a strategy' } },
  { path: '/strategies/:id/deactivation' },
  { path: '/strategies/:id/webhook', reauthenticate: { post: 'Give a strategy a new webhook address' } },
  {
    path: '/strategies/:id/signing-secret',
    reauthenticate: { post: 'Give a strategy a new signing secret' },
  },
  {
    path: '/strategies/:id/signing-secret/removal',
    reauthenticate: { post: 'Remove the signing secret of a strategy' },
  },
  {
    path: '/strategies/:id/allowed-addresses',
    reauthenticate: { post: 'Change who may send signals to a strategy' },
  },
  { path: '/strategies/:id/test-signal' },
  { path: '/strategies/:id/deletion' },
];

/** `/strategies`: a person's own. Another person's answers as one that does not exist (ASVS 8.2.2). */
export function createStrategyRouter(deps: StrategyRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const pages = createStrategyPages(deps);
  const one = createStrategyPage(deps);
  methods(router, '/strategies', { get: pages.list, post: pages.create });
  methods(router, '/strategies/new', { get: pages.showNew });
  methods(router, '/strategies/symbols', { get: pages.showSymbols });
  methods(router, '/strategies/:id', { get: one.show, post: pages.save });
  methods(router, '/strategies/:id/edit', { get: pages.showEdit });
  methods(router, '/strategies/:id/activation', { post: one.activate });
  methods(router, '/strategies/:id/deactivation', { post: one.deactivate });
  methods(router, '/strategies/:id/webhook', { get: one.confirmReplacement, post: one.replaceWebhook });
  methods(router, '/strategies/:id/signing-secret', { post: one.createSigningSecret });
  methods(router, '/strategies/:id/signing-secret/removal', { post: one.removeSigningSecret });
  methods(router, '/strategies/:id/allowed-addresses', { post: one.allowAddresses });
  methods(router, '/strategies/:id/test-signal', { post: one.sendTest });
  methods(router, '/strategies/:id/deletion', { get: one.confirmDeletion, post: one.delete });
  return router;
}

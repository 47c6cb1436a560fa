import { Router } from 'express';
import { methods } from '../../http/methods.ts';
import type { RoutePolicy } from '../../http/route-policy.ts';
import { createSessionEndingPages, type SessionEndingPagesDeps } from './session-ending-pages.ts';
import { createSessionListPage, SESSIONS, type SessionListPageDeps } from './session-list-page.ts';

export type AdminSessionsRouterDeps = SessionListPageDeps & SessionEndingPagesDeps & {};

export const ADMIN_SESSION_ROUTES: readonly RoutePolicy[] = [
  { path: SESSIONS, role: 'admin' },
  {
    path: `${SESSIONS}/revocation`,
    role: 'admin',
    reauthenticate: { get: true, post: 'End all sessions of all users' },
  },
  {
    path: `${SESSIONS}/:userId/revocation`,
    role: 'admin',
    reauthenticate: { get: true, post: 'End all sessions of a user' },
  },
  {
    path: `${SESSIONS}/:userId/:deviceId/revocation`,
    role: 'admin',
    reauthenticate: { get: true, post: 'End a session of a user' },
  },
];

/** All sessions, for administrators: the list, and ending one, those of a person, or all. */
export function createAdminSessionsRouter(deps: AdminSessionsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const ending = createSessionEndingPages(deps);

  methods(router, SESSIONS, { get: createSessionListPage(deps) });
  methods(router, `${SESSIONS}/revocation`, {
    get: ending.askEverybody,
    post: ending.endEverybody,
  });
  methods(router, `${SESSIONS}/:userId/revocation`, {
    get: ending.askPerson,
    post: ending.endPerson,
  });
  methods(router, `${SESSIONS}/:userId/:deviceId/revocation`, {
    get: ending.askDevice,
    post: ending.endDevice,
  });
  return router;
}

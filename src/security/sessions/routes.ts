import { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { createSessionEndingPages, type SessionEndingPagesDeps } from './session-ending-pages.ts';
import { createSessionListPage, SESSIONS, type SessionListPageDeps } from './session-list-page.ts';

export type EverybodysSessionsRouterDeps = SessionListPageDeps &
  SessionEndingPagesDeps & {
    /** Lets administrators pass, asked anew for each request. */
    readonly requireAdmin: RequestHandler;
  };

/** Everybody's sessions, for administrators: seeing them, and ending one, a person's, or all. */
export function createEverybodysSessionsRouter(deps: EverybodysSessionsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const { requireAdmin } = deps;
  const ending = createSessionEndingPages(deps);

  methods(router, SESSIONS, { get: [requireAdmin, createSessionListPage(deps)] });
  methods(router, `${SESSIONS}/revocation`, {
    get: [requireAdmin, ending.askEverybody],
    post: [requireAdmin, ending.endEverybody],
  });
  methods(router, `${SESSIONS}/:userId/revocation`, {
    get: [requireAdmin, ending.askPerson],
    post: [requireAdmin, ending.endPerson],
  });
  methods(router, `${SESSIONS}/:userId/:deviceId/revocation`, {
    get: [requireAdmin, ending.askDevice],
    post: [requireAdmin, ending.endDevice],
  });
  return router;
}

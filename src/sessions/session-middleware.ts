import type { Request, RequestHandler } from 'express';
import session from 'express-session';
import { unavailable } from '../errors.ts';
import { policyOf, routeClassOf, SESSION_USE } from '../http/route-policy.ts';
import type { SessionCookie } from './session-cookie.ts';
import type { SessionIdIssuer } from './session-id-issuer.ts';
import type { SessionStorage } from './session-storage.ts';
import { SignedInStore } from './signed-in-store.ts';

export interface SessionMiddlewareDeps {
  readonly storage: Pick<SessionStorage, 'activeStore' | 'passiveStore'>;
  readonly ids: SessionIdIssuer;
  /** Newest first; all verify. */
  readonly secrets: readonly string[];
  readonly cookie: SessionCookie;
}

/** Loads the session where the path's class wants one, and nowhere else. */
export function createSessionMiddleware({
  storage,
  ids,
  secrets,
  cookie,
}: SessionMiddlewareDeps): RequestHandler {
  const create = (store: session.Store): RequestHandler =>
    session({
      name: cookie.name,
      secret: [...secrets],
      store: new SignedInStore(store),
      genid: (req) => ids.issue(req as Request),
      resave: false,
      saveUninitialized: false,
      rolling: false,
      cookie: cookie.options,
    });
  const active = create(storage.activeStore);
  const passive = create(storage.passiveStore);

  return function loadSession(req, res, next) {
    const use = useOf(req);
    // `OPTIONS *` has no path that the cookie could belong to.
    if (use === 'none' || !req.path.startsWith('/')) return next();
    (use === 'active' ? active : passive)(req, res, (error?: unknown) => {
      // A page for anyone is a stranger's where the store does not answer.
      if (policyOf(req).showsViewer) return next();
      if (error !== undefined && error !== null) return next(error);
      // express-session goes on without a session when a store says it is disconnected: no request is let in that way.
      if (req.session === undefined) return next(unavailable('The session store', undefined, 2));
      next();
    });
  };

  function useOf(req: Request): 'none' | 'active' | 'passive' {
    const { quiet, showsViewer } = policyOf(req);
    if (quiet) return 'passive';
    if (!showsViewer) return SESSION_USE[routeClassOf(req)];
    return req.headers.cookie?.includes(`${cookie.name}=`) ? 'passive' : 'none';
  }
}

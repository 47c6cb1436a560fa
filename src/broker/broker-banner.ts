import type { RequestHandler } from 'express';
import { safeReturnTo } from '../http/return-to.ts';
import { routeClassOf } from '../http/route-policy.ts';
import { wantsJson } from '../http/wants-json.ts';
import { findCurrentSession } from '../sessions/current-session.ts';
import type { FindLostConnections } from './lost-connections.ts';

/** Puts into each signed-in page which brokers wait to be connected again, and the way back to this very page. */
export function createBrokerBanner(findLostConnections: FindLostConnections): RequestHandler {
  return async function brokerBanner(req, res, next) {
    const session = findCurrentSession(req);
    const isPage = req.method === 'GET' && routeClassOf(req) === 'guarded' && !wantsJson(req);
    if (session === undefined || session.role === 'viewer' || !isPage) return next();
    const lost = await findLostConnections(session.userId, req);
    if (lost.length > 0) res.locals['brokerBanner'] = { lost, backTo: safeReturnTo(req.originalUrl) };
    next();
  };
}

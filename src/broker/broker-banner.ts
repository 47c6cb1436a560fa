import type { RequestHandler } from 'express';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { toIstIso } from '../core/ist.ts';
import type { DayCookie } from '../http/day-cookie.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { routeClassOf } from '../http/route-policy.ts';
import { wantsJson } from '../http/wants-json.ts';
import { currentSession, findCurrentSession } from '../sessions/current-session.ts';
import type { FindLostConnections } from './lost-connections.ts';

export interface BrokerBannerDeps {
  readonly findLostConnections: FindLostConnections;
  /** Which brokers a person has put away for the day. */
  readonly putAway: DayCookie;
  readonly calendar: CutoffCalendar;
}

/**
 * Puts into each signed-in page which brokers wait to be connected again, and the way back to this very page; without
 * those that were put away for the day.
 */
export function createBrokerBanner({
  findLostConnections,
  putAway,
  calendar,
}: BrokerBannerDeps): RequestHandler {
  return async function brokerBanner(req, res, next) {
    const session = findCurrentSession(req);
    const isPage = req.method === 'GET' && routeClassOf(req) === 'guarded' && !wantsJson(req);
    if (session === undefined || session.role === 'viewer' || !isPage) return next();
    const away = putAway.read(req, session.userId);
    const lost = (await findLostConnections(session.userId, req)).filter(({ id }) => !away.includes(id));
    const until = Number.isFinite(calendar.next()) ? toIstIso(calendar.next()).slice(11, 16) : undefined;
    if (lost.length > 0) res.locals['brokerBanner'] = { lost, until, backTo: safeReturnTo(req.originalUrl) };
    next();
  };
}

/** Puts away what the strip shows, until the next cutoff. A broker that is lost after this comes up all the same. */
export function createBannerDismissal({
  findLostConnections,
  putAway,
}: Omit<BrokerBannerDeps, 'calendar'>): RequestHandler {
  return async function putBannerAway(req, res) {
    const { userId } = currentSession(req);
    const lost = await findLostConnections(userId, req);
    putAway.write(
      res,
      userId,
      lost.map(({ id }) => id),
    );
    res.redirect(303, safeReturnTo(req.body?.returnTo) ?? '/dashboard');
  };
}

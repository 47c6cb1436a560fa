import { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { toIstIso } from '../core/ist.ts';
import { idleLimitMs, type LivePolicy } from '../core/session-policy.ts';
import { notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { requireForm } from '../http/form.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { wantsJson } from '../http/wants-json.ts';
import { currentSession } from './current-session.ts';
import { toDeviceView } from './device-view.ts';
import { dropSession } from './express-session-promises.ts';
import type { SessionLifecycle } from './lifecycle.ts';
import { requireEnded, revokeOrExplain } from './logout-errors.ts';
import { meansEverywhere } from './means-everywhere.ts';
import { DEVICE, endOwnDevice, findOwnDevice } from './own-device.ts';
import type { SessionRegistry } from './session-storage.ts';

export interface SessionsRouterDeps {
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly policy: LivePolicy;
  readonly registry: SessionRegistry;
  readonly lifecycle: SessionLifecycle;
  readonly clearCookie: (res: Response) => void;
  /** The brokers, by name, whose connections a user keeps until the cutoff. */
  readonly heldBrokers: (userId: string) => Promise<readonly string[]>;
}

/** The list of own devices may be seen; ending one asks for the password (ASVS 7.5.2). */
export const SESSION_ROUTES: readonly RoutePolicy[] = [
  { path: '/auth/logout', alwaysOpen: true, viewersToo: true },
  { path: '/auth/session', class: 'poll' },
  { path: '/sessions', viewersToo: true },
  { path: '/sessions/revocation', viewersToo: true, reauthenticate: { post: 'End your other sessions' } },
  {
    path: '/sessions/:deviceId/revocation',
    viewersToo: true,
    reauthenticate: { post: 'End one of your sessions' },
  },
];

const YOU = 'You are not signed out yet.';

const logoutForm = z.object({ everywhere: z.unknown().optional() });

/** Logging out, and the page of one's own devices. */
export function createSessionsRouter(deps: SessionsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/auth/logout', { get: confirmLogout(deps), post: logOut(deps) });
  methods(router, '/auth/session', { get: tellState(deps) });
  methods(router, '/sessions', { get: listDevices(deps) });
  methods(router, '/sessions/revocation', { post: endOtherDevices(deps) });
  methods(router, '/sessions/:deviceId/revocation', { post: endDevice(deps) });
  return router;
}

function confirmLogout({ lifecycle, heldBrokers, calendar }: SessionsRouterDeps): RequestHandler {
  return async (req, res) => {
    const { userId } = currentSession(req);
    const [devices, held] = await Promise.all([lifecycle.devicesOf(userId), heldBrokers(userId)]);
    renderPage(req, res, 'sessions/logout', {
      title: 'Sign out',
      otherDevices: Math.max(0, devices.length - 1),
      held: held.join(', '),
      cutoff: calendar.next(),
    });
  };
}

function logOut({ lifecycle, clearCookie, heldBrokers }: SessionsRouterDeps): RequestHandler {
  /** The last device of a person who keeps connections: they say first whether those go on. A program is not asked. */
  async function mustAsk(req: Request, userId: string): Promise<boolean> {
    if (wantsJson(req) || (await heldBrokers(userId)).length === 0) return false;
    return (await lifecycle.devicesOf(userId)).length <= 1;
  }

  return async (req, res) => {
    const { everywhere } = requireForm(logoutForm, req);
    const { userId, sid } = currentSession(req);
    if (everywhere === undefined && (await revokeOrExplain(YOU, () => mustAsk(req, userId))))
      return res.redirect(303, '/auth/logout');
    const origin = auditOrigin(req, res);
    const receipt = await revokeOrExplain(YOU, () =>
      meansEverywhere(everywhere)
        ? lifecycle.endAccount(userId, 'logged_out_everywhere', origin)
        : lifecycle.endDevice(userId, sid, 'logged_out', origin),
    );
    requireEnded(receipt, YOU);
    dropSession(req);
    clearCookie(res);
    // Not "cookies": that would also take the mark by which the owner's own device is known (ASVS 14.3.1).
    res.set('Clear-Site-Data', '"cache", "storage"');
    res.redirect(303, '/auth/login?reason=logged_out');
  };
}

/** For the countdown: when this session ends. Asking does not keep it alive. */
function tellState({ clock, calendar, policy, registry }: SessionsRouterDeps): RequestHandler {
  return async (req, res) => {
    const { sid } = currentSession(req);
    const own = await registry.ownIdleLimit(sid);
    const idleMs = idleLimitMs(policy.current(), own);
    const lastSeen = Number.isFinite(idleMs) ? await registry.lastSeen(sid) : undefined;
    const cutoff = calendar.next();
    res.json({
      now: toIstIso(clock.now()),
      cutoff: Number.isFinite(cutoff) ? toIstIso(cutoff) : null,
      idleDeadline: lastSeen === undefined ? null : toIstIso(lastSeen + idleMs),
    });
  };
}

function listDevices({ lifecycle }: SessionsRouterDeps): RequestHandler {
  return async (req, res) => {
    const { userId, sid } = currentSession(req);
    const devices = await lifecycle.devicesOf(userId);
    renderPage(req, res, 'sessions/index', {
      title: 'Devices',
      devices: devices.map((device) => toDeviceView(device, sid)),
    });
  };
}

function endOtherDevices({ lifecycle }: SessionsRouterDeps): RequestHandler {
  return async (req, res) => {
    const { userId, sid } = currentSession(req);
    const origin = auditOrigin(req, res);
    const receipt = await revokeOrExplain(DEVICE, () => lifecycle.endOtherDevices(userId, sid, origin));
    if (receipt !== undefined) requireEnded(receipt, DEVICE);
    res.redirect(303, '/sessions');
  };
}

function endDevice({ lifecycle }: SessionsRouterDeps): RequestHandler {
  return async (req, res) => {
    const { userId, sid } = currentSession(req);
    const device = await findOwnDevice(lifecycle, userId, String(req.params['deviceId']));
    if (device === undefined) throw notFound();
    if (device.sid === sid) return res.redirect(303, '/auth/logout');
    await endOwnDevice(lifecycle, device, auditOrigin(req, res));
    res.redirect(303, '/sessions');
  };
}

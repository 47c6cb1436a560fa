import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { type CutoffCalendar, formatCutoffTime } from '../core/cutoff.ts';
import { describeDuration } from '../core/duration.ts';
import { toIstIso } from '../core/ist.ts';
import type { ReceiptView } from '../core/receipt-view.ts';
import { ROLE_NAMES, type Role } from '../core/role.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import type { UserSettings } from '../core/user-settings.ts';
import { createDayCookie } from '../http/day-cookie.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { PendingRevocationStore } from '../revocation/pending-revocation-store.ts';
import { type CurrentSession, currentSession } from '../sessions/current-session.ts';
import { toDeviceView } from '../sessions/device-view.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import { createDayOfWork, type DayOfWorkDeps } from './day-of-work.ts';

/** A broker as the dashboard needs it; the broker room's overview fits. */
export interface ConnectedBroker {
  readonly name: string;
  readonly credentials: 'none_needed' | 'missing' | 'set';
  readonly connected: boolean;
  readonly state: string;
  /** In ms since the epoch; before the cutoff where the broker's own limit is earlier. */
  readonly endsAt?: number;
}

/** Of the accounts feature: a new device, a change to what protects the account. */
export interface AccountNotice {
  readonly id: string;
  readonly kind: 'new_device' | 'account_changed' | 'account_reset';
  /** The device that it is about; '' for none. */
  readonly device: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface LatestReceipt extends ReceiptView {
  readonly isOfCutoff: boolean;
}

export interface DashboardRouterDeps extends DayOfWorkDeps {
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly policy: LivePolicy;
  readonly lifecycle: SessionLifecycle;
  /** `request`: the one that the page answers. */
  readonly brokersOf: (userId: string, request: object) => Promise<readonly ConnectedBroker[]>;
  /** Symbols with their last prices, for views/dashboard/watched-prices.ejs. */
  readonly watchedOf: (session: CurrentSession) => Promise<readonly object[]>;
  readonly settingsOf: (userId: string) => Promise<UserSettings>;
  /** The last one that concerns a user, in words for them. */
  readonly latestReceipt: (userId: string, viewer: Role) => Promise<LatestReceipt | undefined>;
  /** Whether BASE_URL is https. */
  readonly https: boolean;
  readonly pendingRevocations: PendingRevocationStore;
  /** The reminder about a user's second factor. */
  readonly factorReminder: (userId: string, role: Role) => Promise<'set_up' | 'few_codes' | undefined>;
  /** Notices for the page of a device. */
  readonly noticesOf: (userId: string, deviceId: string) => Promise<readonly AccountNotice[]>;
  /** Whether there is no account yet. */
  readonly needsSetup: () => Promise<boolean>;
}

export const DASHBOARD_ROUTES: readonly RoutePolicy[] = [
  { path: '/', class: 'public', showsViewer: true },
  { path: '/dashboard' },
];

/** The page for anyone, and the one after signing in. */
export function createDashboardRouter(deps: DashboardRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/', { get: showHome(deps) });
  methods(router, '/dashboard', { get: showDashboard(deps) });
  return router;
}

function showHome({ needsSetup }: DashboardRouterDeps): RequestHandler {
  return async (req, res) => {
    renderPage(req, res, 'home/index', { title: 'Curfew', isNew: await needsSetup() });
  };
}

/** That the receipt of the cutoff was shown on top. */
const SEEN = 'curfew-receipt';

function showDashboard(deps: DashboardRouterDeps): RequestHandler {
  const { clock, calendar, policy, lifecycle, brokersOf, settingsOf, latestReceipt, pendingRevocations } =
    deps;
  const { factorReminder, watchedOf, noticesOf } = deps;
  const readDayOfWork = createDayOfWork(deps);
  const seen = createDayCookie({ ...deps, name: SEEN });

  /** On the first visit after a cutoff; afterwards it has its place below. */
  function takeFirstLook(req: Request, res: Response, receipt: LatestReceipt | undefined): boolean {
    const { userId } = currentSession(req);
    const isNew = receipt?.isOfCutoff === true && receipt.endedAt >= calendar.last();
    if (!isNew || seen.read(req, userId).length > 0) return false;
    seen.write(res, userId, ['seen']);
    return true;
  }

  return async (req, res) => {
    const session = currentSession(req);
    const [devices, allBrokers, settings, receipt, { waiting }, reminder, day, watched, notices] =
      await Promise.all([
        lifecycle.devicesOf(session.userId),
        brokersOf(session.userId, req),
        settingsOf(session.userId),
        latestReceipt(session.userId, session.role),
        session.role === 'admin' ? pendingRevocations.summary() : NOTHING_TO_SEE,
        factorReminder(session.userId, session.role),
        readDayOfWork(session.userId),
        watchedOf(session),
        noticesOf(session.userId, req.session.deviceId ?? ''),
      ]);
    const brokers = allBrokers.filter(hasPlaceHere);
    const { cutoffTime } = policy.current();
    const idleMs = shortestIdleMs(policy.current().idleTimeoutMs, settings.idleTimeoutMs);
    const cutoff = calendar.next();
    renderPage(req, res, 'dashboard/index', {
      title: 'Dashboard',
      modules: ['watched-prices'],
      watched,
      roleName: ROLE_NAMES[session.role],
      now: clock.now(),
      loginTime: session.loginTime,
      cutoff: Number.isFinite(cutoff) ? cutoff : undefined,
      cutoffText: formatCutoffTime(cutoffTime),
      idleText: idleMs === undefined ? undefined : describeDuration(idleMs),
      devices: devices.map((device) => toDeviceView(device, session.sid)),
      brokers,
      endings: whatWillEnd(
        devices.length,
        brokers,
        cutoffTime === 'off' ? undefined : formatCutoffTime(cutoffTime),
        cutoff,
      ),
      notices,
      pendingCount: waiting,
      factorReminder: reminder,
      lastReceipt: receipt,
      isReceiptFirst: takeFirstLook(req, res, receipt),
      ...day,
    });
  };
}

/** For users who are not administrators. */
const NOTHING_TO_SEE = { waiting: 0 };
/** The server's limit or the person's own, whichever comes first; undefined where there is none. */
function shortestIdleMs(serverMs: number | 'off', ownMs: number | undefined): number | undefined {
  if (serverMs === 'off') return ownMs;
  return Math.min(serverMs, ownMs ?? serverMs);
}

/** Whether the broker can be used or needs attention. Brokers that the user does not use are on the brokers' page alone. */
function hasPlaceHere({ credentials, state }: ConnectedBroker): boolean {
  return credentials !== 'missing' || state !== 'disconnected';
}

function whatWillEnd(
  devices: number,
  brokers: readonly ConnectedBroker[],
  cutoff: string | undefined,
  next: number,
): readonly { what: string; when: string }[] {
  if (cutoff === undefined) return [];
  const when = `${cutoff} IST`;
  const connected = brokers.filter((broker) => broker.connected);
  return [
    { what: devices === 1 ? 'Your session on this device' : `Your sessions on ${devices} devices`, when },
    ...connected.map(({ name, endsAt = next }) => ({
      what: `${name}: access token and feed token`,
      when: endsAt < next ? `${toIstIso(endsAt).slice(11, 16)} IST` : when,
    })),
    { what: 'Everything of yours that is cached', when },
  ];
}

import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { RevocationReason } from '../core/revocation.ts';
import { isSafeMethod } from '../http/methods.ts';
import { setActingUser } from '../http/request-watch.ts';
import { placeToReturnTo } from '../http/return-to.ts';
import { isGuarded, routeClassOf } from '../http/route-policy.ts';
import { wantsJson } from '../http/wants-json.ts';
import type { Revoker } from '../revocation/revoker.ts';
import type { Acting } from '../storage/acting.ts';
import { type CurrentSession, findCurrentSession } from './current-session.ts';
import { dropSession } from './express-session-promises.ts';
import type { LongRequests } from './long-requests.ts';
import type { SessionActors } from './session-actors.ts';
import { readSessionId } from './session-id.ts';
import type { SessionIdIssuer } from './session-id-issuer.ts';
import { SessionEndedError, type SessionRegistry } from './session-storage.ts';

export interface SessionExpiryDeps {
  readonly calendar: CutoffCalendar;
  readonly registry: SessionRegistry;
  readonly revoker: Revoker;
  readonly ids: SessionIdIssuer;
  readonly acting: Acting;
  readonly actors: SessionActors;
  readonly longRequests: Pick<LongRequests, 'follow'>;
  readonly clearCookie: (res: Response) => void;
}

/** Why a guarded page redirects to the login page; the `reason` of the contract. */
export type LoginReason = 'login_required' | 'cutoff' | 'idle' | 'revoked' | 'logged_out';

export interface SessionExpiry {
  /** Stands in front of every route. Lets pass what needs no session, and sessions from after the last cutoff. */
  readonly middleware: RequestHandler;
  /**
   * Stands behind everything that reads a request's body. What changes something is judged again there, since its session
   * may have ended while the body came in; and from there on the session's user is the actor of every write.
   */
  readonly judgeAgain: RequestHandler;
  /** Answers a request whose session ended while it was in progress, as it would have been answered afterwards. */
  readonly endedInProgress: ErrorRequestHandler;
  /** The request's session if it counts: for pages that anyone may see. */
  readonly liveSession: (req: Request) => CurrentSession | undefined;
  /** Why the request has no session that counts. Ends what is past the cutoff. */
  readonly whyNoSession: (req: Request) => Promise<LoginReason>;
}

export function createSessionExpiry(deps: SessionExpiryDeps): SessionExpiry {
  const { calendar, registry, ids, acting, actors, longRequests, clearCookie } = deps;

  const isOver = (session: CurrentSession): boolean => calendar.isPast(session.loginTime);

  /** Why the session of an id is not there. */
  async function explainMissing(sid: string | undefined): Promise<LoginReason> {
    const facts = sid === undefined ? undefined : readSessionId(sid);
    if (sid === undefined || facts?.kind !== 'signed_in') return 'login_required';
    if (calendar.isPast(facts.loginTime)) return 'cutoff';
    const ending = await registry.endingOf(sid);
    return ending === undefined ? 'login_required' : LOGIN_REASONS[ending];
  }

  return {
    whyNoSession: async (req) => (await explain(req)).reason,

    liveSession(req) {
      const session = findCurrentSession(req);
      return session === undefined || isOver(session) ? undefined : session;
    },

    middleware: async function expireSession(req, res, next) {
      const routeClass = routeClassOf(req);
      const session = findCurrentSession(req);
      if (session !== undefined && !isOver(session)) {
        res.locals['viewer'] = { username: session.username, role: session.role };
        setActingUser(res, session.userId);
        res.set('Cache-Control', 'no-store');
        return next();
      }
      if (!isGuarded(routeClass)) return next();
      await refuse(req, res);
    },

    async judgeAgain(req, res, next) {
      const session = findCurrentSession(req);
      // A form for anyone carries credentials of its own.
      if (session === undefined || routeClassOf(req) === 'form') return next();
      if (!isSafeMethod(req.method) && !(await stillCounts(session))) return refuse(req, res);
      longRequests.follow(req, res, session);
      acting.run(actors.of(session), next);
    },

    async endedInProgress(error: unknown, req, res, next) {
      const session = findCurrentSession(req);
      const isGuardedPage = isGuarded(routeClassOf(req)) && !res.headersSent;
      if (!(error instanceof SessionEndedError) || session === undefined || !isGuardedPage)
        return next(error);
      await refuse(req, res);
    },
  };

  /** The database's other conditions are checked in the transaction of each write. */
  async function stillCounts(session: CurrentSession): Promise<boolean> {
    return !isOver(session) && registry.isUsable(session.sid);
  }

  /** Ends what is past the cutoff, and answers with why the session does not count. */
  async function refuse(req: Request, res: Response): Promise<void> {
    const { reason, hadSession } = await explain(req);
    res.locals['viewer'] = undefined;
    // The rest of the body was meant for a session that is over.
    if (findCurrentSession(req) !== undefined && !req.complete) res.set('Connection', 'close');
    answer(req, res, reason, hadSession);
  }

  async function explain(req: Request): Promise<{ reason: LoginReason; hadSession: boolean }> {
    const session = findCurrentSession(req);
    if (session === undefined) {
      const presented = ids.unknownSessionId(req);
      return { reason: await explainMissing(presented), hadSession: presented !== undefined };
    }
    const past = isOver(session);
    if (past) await endStale(deps, session);
    const reason = past ? 'cutoff' : await explainMissing(session.sid);
    // It ended while this request was on its way; only why may not be known any more.
    const isUnexplained = reason === 'login_required' || reason === 'logged_out';
    return { reason: isUnexplained ? 'revoked' : reason, hadSession: true };
  }

  function answer(req: Request, res: Response, reason: LoginReason, hadSession: boolean): void {
    dropSession(req);
    if (wantsJson(req)) {
      answerScript(res, reason);
      return;
    }
    if (hadSession) clearCookie(res);
    sendToLogin(req, res, reason);
  }
}

/** Everything of the person's from before the cutoff; what they signed in to since then stays. */
async function endStale(
  { calendar, registry, revoker }: SessionExpiryDeps,
  { userId, sid }: CurrentSession,
): Promise<void> {
  const before = calendar.last();
  const scope = { kind: 'stale', userId, before } as const;
  // Without a cutoff there is no before: then this one is from the future, and that is all.
  if (Number.isFinite(before))
    await revoker.revoke(scope, 'cutoff', SYSTEM_ORIGIN, `stale:${userId}:${before}`);
  await registry.end([sid], 'cutoff');
}

const LOGIN_REASONS: Readonly<Record<RevocationReason, LoginReason>> = {
  cutoff: 'cutoff',
  idle: 'idle',
  logged_out: 'logged_out',
  logged_out_everywhere: 'revoked',
  ended_by_owner: 'revoked',
  ended_by_admin: 'revoked',
  session_limit: 'revoked',
  password_changed: 'revoked',
  account_disabled: 'revoked',
  role_changed: 'revoked',
  restored: 'revoked',
  unreadable_session: 'revoked',
};

const SENTENCES: Readonly<Record<LoginReason, string>> = {
  login_required: 'Sign in first.',
  logged_out: 'You are signed out. Sign in again.',
  cutoff: 'The session ended at the daily cutoff. Sign in again.',
  idle: 'The session ended because it was not used. Sign in again.',
  revoked: 'The session was ended. Sign in again.',
};

/** The refusal for programs. */
export function loginRefusal(reason: LoginReason): {
  readonly code: 'login_required' | 'session_expired';
  readonly message: string;
} {
  const neverWas = reason === 'login_required' || reason === 'logged_out';
  return { code: neverWas ? 'login_required' : 'session_expired', message: SENTENCES[reason] };
}

/** The contract's reasons of a redirect: who signed out and asks for a page wants that page. */
export const shownReason = (reason: LoginReason): LoginReason =>
  reason === 'logged_out' ? 'login_required' : reason;

/** Leaves the cookie alone: a tab in the background would take it from a login form that another tab has open. */
function answerScript(res: Response, reason: LoginReason): void {
  const { code, message } = loginRefusal(reason);
  res.set('Cache-Control', 'no-store');
  res.status(401).json({ status: 'error', error: code, message, reason });
}

function sendToLogin(req: Request, res: Response, reason: LoginReason): void {
  res.set('Cache-Control', 'no-store');
  const query = new URLSearchParams({ reason: shownReason(reason) });
  const returnTo = placeToReturnTo(req);
  if (returnTo !== undefined) query.set('returnTo', returnTo);
  res.redirect(303, `/auth/login?${query}`);
}

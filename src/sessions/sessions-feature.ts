import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Log } from '../core/log.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import type { Feature } from '../http/feature.ts';
import { counter } from '../http/metrics.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { RevocationStore } from '../revocation/revocation-store.ts';
import type { Revoker } from '../revocation/revoker.ts';
import type { Database } from '../storage/database.ts';
import type { CurrentSession } from './current-session.ts';
import { createIdleWatch, type IdleWatch } from './idle-watch.ts';
import { createSessionLifecycle, type SessionLifecycle } from './lifecycle.ts';
import { createLongRequests } from './long-requests.ts';
import { createOutageLogout } from './outage-logout.ts';
import { createSessionsRouter } from './routes.ts';
import type { SessionActors } from './session-actors.ts';
import { createSessionCookie, createUnverifiedUser, type SessionCookieDeps } from './session-cookie.ts';
import { createSessionExpiry, type SessionExpiry } from './session-expiry.ts';
import { readSessionId } from './session-id.ts';
import { createSessionIdIssuer } from './session-id-issuer.ts';
import { createSessionMiddleware } from './session-middleware.ts';
import type { SessionStorage } from './session-storage.ts';
import { createShownSession } from './shown-session.ts';
import { createVisitorIds } from './visitor-ids.ts';

export interface SessionsFeatureDeps extends SessionCookieDeps {
  readonly database: Database;
  readonly storage: SessionStorage;
  readonly revoker: Revoker;
  readonly revocations: RevocationStore;
  readonly epochs: EpochStore;
  readonly actors: SessionActors;
  readonly policy: LivePolicy;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly log: Log;
  /** SESSION_SECRET, newest first; all verify. */
  readonly secrets: readonly string[];
  readonly maxSessionsPerUser: number;
  /** Gives a user's sessions the idle limit that they have chosen. */
  readonly limitIdle: (userId: string) => Promise<void>;
  /** The brokers, by name, whose connections a user keeps until the cutoff. */
  readonly heldBrokers: (userId: string) => Promise<readonly string[]>;
}

export interface SessionsFeature extends Feature {
  readonly lifecycle: SessionLifecycle;
  readonly idleWatch: IdleWatch;
  readonly expiry: SessionExpiry;
  /** The request's session if it counts. */
  readonly liveSession: (req: Request) => CurrentSession | undefined;
  readonly loadSession: RequestHandler;
  readonly cookieName: string;
  readonly outageLogout: ErrorRequestHandler;
  /** For forms that are shown to visitors. */
  readonly visitorSecret: (sid: string) => string;
  /** The user whose session a request claims: not verified yet. */
  readonly unverifiedUserId: (req: Request) => string | undefined;
  /** For the ban gate, which stands in front of the session. */
  readonly shownSession: FindCredential;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createSessionsFeature(deps: SessionsFeatureDeps): SessionsFeature {
  const { database, storage, revoker, actors, clock, log, secrets } = deps;
  const { registry } = storage;
  const cookie = createSessionCookie(deps);
  const visitorIds = createVisitorIds({ secrets, clock });
  const ids = createSessionIdIssuer(visitorIds);
  const longRequests = createLongRequests({
    actors,
    onError: (err) => log.warn({ err }, 'Requests in progress could not be compared with their sessions'),
  });
  const lifecycle = createSessionLifecycle({ ...deps, registry, ids });
  const expiry = createSessionExpiry({
    ...deps,
    registry,
    ids,
    acting: database.acting,
    longRequests,
    clearCookie,
  });

  storage.unreadable.endWith((sid) =>
    database.acting.asServer(async () => {
      const facts = readSessionId(sid);
      const userId = facts.kind === 'signed_in' ? facts.userId : undefined;
      log.error({ userId }, 'A stored session cannot be read: it is ended');
      if (userId === undefined) await registry.end([sid], 'unreadable_session');
      else await lifecycle.endOnce(userId, sid, 'unreadable_session');
    }),
  );

  function clearCookie(res: Response): void {
    res.clearCookie(cookie.name, cookie.options);
  }

  return {
    lifecycle,
    idleWatch: createIdleWatch(registry, lifecycle),
    expiry,
    liveSession: expiry.liveSession,
    cookieName: cookie.name,
    loadSession: createSessionMiddleware({ storage, ids, secrets, cookie }),
    outageLogout: createOutageLogout(revoker),
    visitorSecret: visitorIds.formSecretOf,
    unverifiedUserId: createUnverifiedUser(cookie.name),
    shownSession: createShownSession({ ...deps, cookieName: cookie.name, store: storage.passiveStore }),
    router: createSessionsRouter({ ...deps, registry, lifecycle, clearCookie }),
    jobs: [longRequests],
    metrics: [
      counter({
        name: 'curfew_sessions_unreadable_total',
        help: 'Stored sessions that could not be read, and were ended.',
        read: () => storage.unreadable.count,
      }),
    ],
  };
}

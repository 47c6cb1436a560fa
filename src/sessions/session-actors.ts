import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { RevocableSession } from '../core/revocation.ts';
import { hasEnded, type Standing } from '../core/standing.ts';
import { AppError } from '../errors.ts';
import type { Actor } from '../storage/acting.ts';
import { SessionEndedError } from './session-storage.ts';
import type { StandingStore } from './standing-store.ts';

/** A session that acts, or an account on whose behalf a program of another sender does (then without `sid`). */
export type ActingSession = RevocableSession & { readonly userId: string };

/** Makes actors of sessions: what they write counts only while the session does. */
export interface SessionActors {
  of(session: ActingSession): Actor;
  /** Whether the session has ended by what the database and the clock say. */
  hasEnded(session: ActingSession): Promise<boolean>;
}

export interface SessionActorsDeps {
  readonly standings: StandingStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

export function createSessionActors({ standings, calendar, clock }: SessionActorsDeps): SessionActors {
  const isOver = (session: ActingSession, standing: Standing | undefined): boolean =>
    hasEnded(session, standing, { now: clock.now(), lastCutoff: calendar.last() });

  return {
    of(session) {
      const { userId, loginTime } = session;
      return {
        userId,
        needsAdmin: false,
        async confirm(run) {
          const standing = await standings.hold(run, userId, loginTime);
          if (isOver(session, standing)) throw new SessionEndedError();
          if (this.needsAdmin && standing?.role !== 'admin')
            throw new AppError('forbidden', 'You are no longer an administrator. Nothing was changed.');
          if (standing?.role === 'viewer' && this.viewerMay !== true)
            throw new AppError('forbidden', 'Your role is viewer. Nothing was changed.');
        },
      };
    },

    hasEnded: async (session) => isOver(session, await standings.find(session.userId, session.loginTime)),
  };
}

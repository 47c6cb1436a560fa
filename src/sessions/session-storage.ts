import type { Store } from 'express-session';
import type { RevocationReason } from '../core/revocation.ts';
import type { DeviceSession, SignedInUser } from './session-data.ts';
import type { UnreadableSessions } from './stored-session.ts';

/** Why a session is no longer there, as far as is known. */
export type SessionEnding = RevocationReason;

/** Where the sessions of the signed-in live. Two implementations: the embedded one in the database, and Redis. */
export interface SessionStorage {
  /** For express-session. Loading a session here is a sign of life: it moves the idle clock, at most once a minute. */
  readonly activeStore: Store;
  /** The same sessions for requests that a script made by itself (polling): loading leaves the idle clock alone. */
  readonly passiveStore: Store;
  readonly registry: SessionRegistry;
  /** Values in the store that are no session. */
  readonly unreadable: UnreadableSessions;
}

/**
 * A cursor in the list of all sessions, the newest first: behind `skip` of those that began at `loginTime` (ms since the
 * epoch), and before everything older. It names no session, since ids are secret, and holds while sessions come and go.
 */
export interface SessionCursor {
  readonly loginTime: number;
  readonly skip: number;
}

/** A part of that list, and where the next one begins; undefined behind the last. */
export interface SessionPage {
  readonly sessions: readonly { readonly device: DeviceSession; readonly behind: SessionCursor }[];
  readonly next: SessionCursor | undefined;
}

/** Facts about sessions besides their bodies. Every method rejects when the store does not answer. */
export interface SessionRegistry {
  /** Enters a session in the index; before its body is stored, so that no session lives unindexed. */
  register(entry: { sid: string; userId: string; epoch: number; loginTime: number }): Promise<void>;
  /** Oldest first. Only sessions that could be used now. */
  listByUser(userId: string): Promise<readonly DeviceSession[]>;
  /** All users', oldest first, in batches. */
  listAll(): AsyncIterable<readonly DeviceSession[]>;
  /** How many could be used now, and of how many people: cheap enough to be asked every few seconds. */
  countLive(): Promise<LiveCount>;
  /**
   * All users' from a cursor on, newest first. Looks at `limit` index entries, of which some may be over already: there
   * may be fewer sessions than that, and still a next batch.
   */
  listNewest(from: SessionCursor | undefined, limit: number): Promise<SessionPage>;
  /** How many sessions began before an instant (ms since the epoch): what `endAllBefore` would end. */
  countBefore(before: number): Promise<number>;
  /** Ends these sessions; returns how many there were. What is in flight cannot bring them back. */
  end(sids: readonly string[], reason: RevocationReason): Promise<number>;
  /** Ends the user's sessions that began in `epoch` or earlier. */
  endThroughEpoch(userId: string, epoch: number, reason: RevocationReason): Promise<number>;
  /** Ends the user's sessions that began before an instant (ms since the epoch). */
  endStale(userId: string, before: number, reason: RevocationReason): Promise<number>;
  /** Ends all sessions from before an instant, in batches; yields how many each user lost. */
  endAllBefore(before: number, reason: RevocationReason): AsyncIterable<ReadonlyMap<string, number>>;
  /** Sessions that were not used for the idle limit. */
  findIdle(limit: number): Promise<readonly string[]>;
  /** Whether the session could be used now: it is stored, and not idle. Not a sign of life. */
  isUsable(sid: string): Promise<boolean>;
  /** Whether the session has not been ended yet, usable or not. */
  isIndexed(sid: string): Promise<boolean>;
  /** When the session was last used, in ms since the epoch; undefined when it is gone. Not a sign of life. */
  lastSeen(sid: string): Promise<number | undefined>;
  /** Why a session that is gone has ended; undefined when that is not known (any more). */
  endingOf(sid: string): Promise<SessionEnding | undefined>;
  /**
   * Gives the sessions that a user has now an idle limit of their own, in ms, which counts where it is shorter than the
   * policy's; undefined takes it away. At least `SHORTEST_OWN_IDLE_MS`.
   */
  setIdleLimit(userId: string, ownIdleMs: number | undefined): Promise<void>;
  /** A session's own idle limit in ms. */
  ownIdleLimit(sid: string): Promise<number | undefined>;
  /** Tells the sessions that a user has now of their role. What they may do is asked of the database, not of them. */
  setRole(userId: string, role: SignedInUser['role']): Promise<void>;
  /** Brings stored lifetimes in line with a changed policy. */
  applyPolicy(): Promise<void>;
  /** Forgets old endings. */
  tidy(): Promise<void>;
  /** Writes what is known of sessions' use and not yet stored. */
  flush(options?: { all: boolean }): Promise<void>;
}

export interface LiveCount {
  readonly sessions: number;
  /** Undefined where there are so many sessions that to tell would take long. */
  readonly people: number | undefined;
}

/** A session was changed by a request while it was being ended: the change is dropped, the session stays dead. */
export class SessionEndedError extends Error {
  constructor() {
    super('The session ended while this request was in progress.');
    this.name = 'SessionEndedError';
  }
}

/** How long a browser with a dead session is told why. */
export const ENDINGS_KEPT_MS = 24 * 60 * 60 * 1000;

import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { toIstIso } from '../core/ist.ts';
import type { Receipt, RevocationReason } from '../core/revocation.ts';
import { unavailable } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { userAgentOf } from '../http/user-agent.ts';
import type { EpochStore } from '../revocation/epoch-store.ts';
import type { RevocationStore } from '../revocation/revocation-store.ts';
import type { Revoker } from '../revocation/revoker.ts';
import { type CurrentSession, findCurrentSession } from './current-session.ts';
import { dropSession, regenerateSession, saveSession } from './express-session-promises.ts';
import type { DeviceSession, SignedInUser } from './session-data.ts';
import type { SessionIdIssuer } from './session-id-issuer.ts';
import type { SessionRegistry } from './session-storage.ts';

/** `deviceId`: for what was recorded of this device before; a new one without it. */
export type SigningInUser = SignedInUser & { readonly deviceId?: string };

export const newDeviceId = (): string => randomBytes(12).toString('base64url');

/** Beginning and ending sessions: what sign-in, logout, the devices page and the CLI call. */
export interface SessionLifecycle {
  /**
   * Makes the request's session a signed-in one under a new id, and ends the user's oldest where there are too many.
   * `confirmCredentials` is asked again after the session was stored: false when the password changed or the account
   * was disabled meanwhile, and then there is no sign-in. Throws `unavailable` when the session could not be stored.
   */
  signIn(
    req: Request,
    res: Response,
    user: SigningInUser,
    confirmCredentials: () => Promise<boolean>,
  ): Promise<'signed_in' | 'refused'>;
  /** Ends one session of a user; everything of theirs when it was the last. */
  endDevice(userId: string, sid: string, reason: RevocationReason, origin: AuditOrigin): Promise<Receipt>;
  /** Ends a session that was idle, or whose body can't be read; once, however many nodes notice it. */
  endOnce(userId: string, sid: string, reason: 'idle' | 'unreadable_session'): Promise<void>;
  /** Ends every session, token and cached value of a user. */
  endAccount(userId: string, reason: RevocationReason, origin: AuditOrigin): Promise<Receipt>;
  /** The same with a change that calls for it, in one transaction; undefined where there was nothing to change. */
  endAccountWith: Revoker['revokeAccountWith'];
  /** Ends the user's sessions but one, and nothing that the one still needs. Undefined when there is no other. */
  endOtherDevices(userId: string, keptSid: string, origin: AuditOrigin): Promise<Receipt | undefined>;
  devicesOf(userId: string): Promise<readonly DeviceSession[]>;
}

export interface SessionLifecycleDeps {
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  readonly registry: SessionRegistry;
  readonly epochs: EpochStore;
  readonly revoker: Revoker;
  readonly revocations: Pick<RevocationStore, 'isSwept'>;
  readonly ids: SessionIdIssuer;
  readonly maxSessionsPerUser: number;
  /**
   * Gives the user's sessions the idle limit that they have chosen. Asked when a new one is stored: a change of that
   * choice reaches the sessions that are there by then.
   */
  readonly limitIdle: (userId: string) => Promise<void>;
}

/** Each try fails only when everything of the user was ended during those milliseconds. */
const SIGN_IN_TRIES = 3;

export function createSessionLifecycle(deps: SessionLifecycleDeps): SessionLifecycle {
  const endings = createEndings(deps);
  return { ...endings, signIn: createSignIn(deps, endings.endDevice) };
}

type SignIn = SessionLifecycle['signIn'];

function createSignIn(deps: SessionLifecycleDeps, endDevice: SessionLifecycle['endDevice']): SignIn {
  const { registry, revoker, maxSessionsPerUser } = deps;
  const begin = createBeginning(deps);

  /**
   * An answer that says it failed signs no one in: its cookie would stand for a session that no revocation has
   * looked for since, and that is stored late, perhaps, by a command that is still under way.
   */
  function abandon(req: Request, sidBefore: string): void {
    const { sessionID: sid } = req;
    dropSession(req);
    if (sid !== sidBefore) registry.end([sid], 'logged_out').catch(() => undefined);
  }

  /**
   * A sign-in that failed after the browser's earlier session was destroyed for it: whose that was is signed out all the
   * same, and where it was their last, what it opened must end. The revocation is stored also where no session can be counted.
   */
  async function endReplaced(
    req: Request,
    res: Response,
    replaced: CurrentSession | undefined,
    origin: AuditOrigin,
  ): Promise<void> {
    if (replaced === undefined || replaced.sid === req.sessionID) return;
    const { userId, sid } = replaced;
    res.locals['viewer'] = undefined;
    await revoker.revoke({ kind: 'device', userId, sids: [sid] }, 'logged_out', origin);
  }

  async function endSurplus(userId: string, origin: AuditOrigin): Promise<void> {
    const devices = [...(await registry.listByUser(userId))].sort(byAge);
    // By one order for all, so that several who sign in at once agree on who has to go, and do not end each other. In the
    // same millisecond it may be the one that was stored last.
    const sids = devices.slice(0, Math.max(0, devices.length - maxSessionsPerUser)).map(({ sid }) => sid);
    if (sids.length === 0) return;
    await revoker.revoke({ kind: 'device', userId, sids }, 'session_limit', origin);
  }

  async function tryToSignIn(
    replaced: CurrentSession | undefined,
    ...[req, res, user, confirmCredentials]: Parameters<SignIn>
  ): ReturnType<SignIn> {
    const origin = auditOrigin(req, res, user.username);
    for (let attempt = 0; attempt < SIGN_IN_TRIES; attempt += 1) {
      const sid = await begin(req, user);
      if (!(await confirmCredentials())) {
        if (sid !== undefined) await registry.end([sid], 'logged_out');
        await regenerateSession(req);
        await endReplaced(req, res, replaced, origin);
        return 'refused';
      }
      if (sid === undefined) continue;
      await endSurplus(user.userId, origin);
      if (replaced !== undefined) await endDevice(replaced.userId, replaced.sid, 'logged_out', origin);
      return 'signed_in';
    }
    throw unavailable('Signing in');
  }

  return async function signIn(...args) {
    const [req, res, { username }] = args;
    const { sessionID } = req;
    const replaced = findCurrentSession(req);
    try {
      return await tryToSignIn(replaced, ...args);
    } catch (error) {
      // Not waited for: what failed may be slow to fail once more.
      endReplaced(req, res, replaced, auditOrigin(req, res, username)).catch(() => undefined);
      abandon(req, sessionID);
      throw error;
    }
  };
}

/** Stores a signed-in session; returns its id, or undefined when it was overtaken by a revocation or the cutoff. */
function createBeginning(deps: SessionLifecycleDeps) {
  const { clock, calendar, registry, epochs, revocations, ids, limitIdle } = deps;

  /** A revocation raises the epoch, and a sweep stores its revocation, before it looks for sessions: one that missed this one shows. */
  async function wasOvertaken(userId: string, epoch: number, loginTime: number): Promise<boolean> {
    return (
      loginTime < calendar.last() ||
      (await epochs.current(userId)) !== epoch ||
      (await revocations.isSwept(loginTime))
    );
  }

  return async function begin(req: Request, user: SigningInUser): Promise<string | undefined> {
    const epoch = await epochs.current(user.userId);
    const loginTime = clock.now();
    ids.nextIsFor(req, user.userId, loginTime);
    await regenerateSession(req);
    Object.assign(req.session, {
      deviceId: newDeviceId(),
      ...user,
      epoch,
      loginTime: toIstIso(loginTime),
      userAgent: userAgentOf(req) ?? '',
      address: clientAddress(req),
    });
    // The form secret belongs to the new session; made now, so that the next page need not save it.
    req.csrfToken();
    const sid = req.sessionID;
    await registry.register({ sid, userId: user.userId, epoch, loginTime });
    await saveSession(req);
    await limitIdle(user.userId);
    if (!(await wasOvertaken(user.userId, epoch, loginTime))) return sid;
    await registry.end([sid], 'logged_out');
    return undefined;
  };
}

function createEndings({ registry, revoker }: SessionLifecycleDeps): Omit<SessionLifecycle, 'signIn'> {
  const endAccount: SessionLifecycle['endAccount'] = (userId, reason, origin) =>
    revoker.revokeAccount(userId, reason, origin);

  return {
    async endDevice(userId, sid, reason, origin) {
      const others = (await registry.listByUser(userId)).filter((device) => device.sid !== sid);
      if (others.length === 0) return endAccount(userId, reason, origin);
      // Two last devices that log out together each see the other one: the revoker looks again afterwards.
      const receipt = await revoker.revoke({ kind: 'device', userId, sids: [sid] }, reason, origin);
      return receipt ?? endAccount(userId, reason, origin);
    },

    async endOnce(userId, sid, reason) {
      // Its account was ended meanwhile, and this session with it.
      if (!(await registry.isIndexed(sid))) return;
      const dedupeKey = `${reason}:${digest(sid)}`;
      const isLast = (await registry.listByUser(userId)).every((device) => device.sid === sid);
      const scope = { kind: 'device', userId, sids: [sid] } as const;
      const receipt = isLast
        ? await revoker.revokeAccountOnce(userId, reason, dedupeKey)
        : await revoker.revoke(scope, reason, SYSTEM_ORIGIN, dedupeKey);
      // Revoked before, and still there: an older index came back with a restored Redis.
      if (receipt === undefined) await registry.end([sid], reason);
    },

    endAccount,

    endAccountWith: (...args) => revoker.revokeAccountWith(...args),

    async endOtherDevices(userId, keptSid, origin) {
      const others = (await registry.listByUser(userId)).filter((device) => device.sid !== keptSid);
      if (others.length === 0) return undefined;
      const sids = others.map((device) => device.sid);
      return revoker.revoke({ kind: 'device', userId, sids }, 'ended_by_owner', origin);
    },

    devicesOf: (userId) => registry.listByUser(userId),
  };
}

/** Recognises a session without keeping its id. */
function digest(sid: string): string {
  return createHash('sha256').update(sid).digest('base64url');
}

function byAge(a: DeviceSession, b: DeviceSession): number {
  return a.loginTime - b.loginTime || (a.sid < b.sid ? -1 : 1);
}

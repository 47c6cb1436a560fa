import type { Request, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { setWaited } from '../http/request-watch.ts';
import { deviceName } from '../sessions/device-view.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import type { Authentication, Authenticator } from './authenticator.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { FailedSignIn, FailedSignIns } from './failed-sign-ins.ts';
import type { HashLane } from './hash-queue.ts';
import type { Admission, LoginLimiter } from './login-limiter.ts';
import type { UserStore } from './user-store.ts';
import { usernameKey } from './username.ts';

export interface LoginCredentials {
  readonly username: string;
  readonly password: string;
}

export type SignInResult =
  | { readonly kind: 'signed_in' }
  /** One answer for an unknown name, a wrong password and a disabled account. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export interface SignInDeps {
  readonly authenticator: Authenticator;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
  readonly users: Pick<UserStore, 'credentialsStillValid' | 'noteSignIn'>;
  readonly lifecycle: Pick<SessionLifecycle, 'signIn'>;
  readonly failures: Pick<FailedSignIns, 'record'>;
  readonly audit: AuditLog;
}

/** Signs the browser in, or says why not. Throws `unavailable` when passwords or sessions cannot be worked on. */
export type SignIn = (req: Request, res: Response, credentials: LoginCredentials) => Promise<SignInResult>;

/** The whole of it: limit, check, begin the session, remember the device, record. */
export function createSignIn(deps: SignInDeps): SignIn {
  const { authenticator, limiter, devices, users, lifecycle, failures, audit } = deps;

  async function signIn(
    req: Request,
    res: Response,
    { username, password }: LoginCredentials,
  ): Promise<SignInResult> {
    const key = usernameKey(username);
    const device = devices.recognise(req, key);
    const admission = await limiter.admit({ address: clientAddress(req), usernameKey: key, device });
    const recordFailure = (why: FailedSignIn['why']) =>
      failures.record({ username, why, isKnownDevice: device !== undefined }, auditOrigin(req, res));
    if (admission.kind === 'limited') {
      if (admission.worthRecording) await recordFailure('rate_limited');
      return { kind: 'limited', retryAfterSeconds: admission.retryAfterSeconds };
    }

    const outcome = await withoutCountingFaults(admission, () =>
      begin(req, res, { username, password }, admission.lane),
    );
    if (outcome.kind === 'refused') {
      await recordFailure(outcome.why);
      return { kind: 'refused' };
    }
    await admission.giveBack();
    devices.issue(res, key);
    // Whoever is signed in stays so, also where this cannot be written down.
    await users.noteSignIn(outcome.user.id).catch(() => undefined);
    await audit.record(
      {
        type: 'login.succeeded',
        userId: outcome.user.id,
        device: req.session.deviceId ?? '',
        program: deviceName(req.session.userAgent ?? ''),
        known: device !== undefined,
      },
      auditOrigin(req, res, outcome.user.username),
    );
    return { kind: 'signed_in' };
  }

  async function begin(
    req: Request,
    res: Response,
    { username, password }: LoginCredentials,
    lane: HashLane,
  ): Promise<Authentication> {
    // It took its time on purpose, which says nothing about how fast the server is.
    if (lane === 'slow') setWaited(res);
    const outcome = await authenticator.authenticate(username, password, lane);
    if (outcome.kind === 'refused') return outcome;
    const { user, passwordHash } = outcome;
    const begun = await lifecycle.signIn(
      req,
      res,
      { userId: user.id, username: user.username, role: user.role },
      () => users.credentialsStillValid(user.id, passwordHash),
    );
    return begun === 'signed_in' ? outcome : { kind: 'refused', why: 'credentials' };
  }

  return signIn;
}

/** An attempt that Curfew could not judge is nobody's failed guess. */
async function withoutCountingFaults<T>(
  admission: Extract<Admission, { kind: 'taken' }>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await admission.giveBack();
    throw error;
  }
}

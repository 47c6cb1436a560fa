import type { Request, Response } from 'express';
import type { AuditLog, SignInMethod } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { deviceName } from '../sessions/device-view.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { SignInHints } from './sign-in-hint.ts';
import type { Credentials, UserStore } from './user-store.ts';
import { usernameKey } from './username.ts';

/** Where a sign-in or a confirmation leads that names no page to return to. */
export const HOME = '/dashboard';

export interface CompleteSignInDeps {
  readonly devices: DeviceCookies;
  readonly hints: Pick<SignInHints, 'write'>;
  readonly clock: Clock;
  readonly users: Pick<UserStore, 'credentialsStillValid' | 'noteSignIn'>;
  readonly lifecycle: Pick<SessionLifecycle, 'signIn'>;
  readonly audit: AuditLog;
}

/** Refused where the password changed or the account was disabled meanwhile. Throws `unavailable` as sessions do. */
export type CompleteSignIn = (
  req: Request,
  res: Response,
  /** `deviceId`: for what was recorded of this device before. */
  credentials: Credentials & { readonly method: SignInMethod; readonly deviceId?: string },
) => Promise<'signed_in' | 'refused'>;

/** Completes a sign-in once all factors are shown: begins the session, remembers the device, records. */
export function createCompleteSignIn({
  devices,
  hints,
  clock,
  users,
  lifecycle,
  audit,
}: CompleteSignInDeps): CompleteSignIn {
  return async function completeSignIn(req, res, { user, passwordHash, method, ...device }) {
    const key = usernameKey(user.username);
    const known = (await devices.recognise(req, key)) !== undefined;
    const begun = await lifecycle.signIn(
      req,
      res,
      { userId: user.id, username: user.username, role: user.role, ...device },
      () => users.credentialsStillValid(user.id, passwordHash),
    );
    if (begun === 'refused') return 'refused';
    devices.issue(res, key);
    hints.write(res, user.username, method);
    if (method !== 'password') req.session.factorAt = clock.now();
    if (method === 'passkey') req.session.passkeyAt = clock.now();
    // The user stays signed in, also where this cannot be written down.
    await users.noteSignIn(user.id).catch(() => undefined);
    await audit.record(
      {
        type: 'login.succeeded',
        userId: user.id,
        device: req.session.deviceId ?? '',
        program: deviceName(req.session.userAgent ?? ''),
        known,
        method,
      },
      auditOrigin(req, res, user.username),
    );
    return 'signed_in';
  };
}

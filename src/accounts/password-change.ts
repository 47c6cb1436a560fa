import type { Request, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { AppError } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { currentSession } from '../sessions/current-session.ts';
import { regenerateSession } from '../sessions/express-session-promises.ts';
import type { SessionLifecycle, SigningInUser } from '../sessions/lifecycle.ts';
import type { Acting } from '../storage/acting.ts';
import type { Confirmation, createConfirmIdentity } from './confirm-identity.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordRules } from './password-rules.ts';
import type { UserAdminDeps } from './user-admin.ts';
import type { User, UserStore } from './user-store.ts';
import { usernameKey } from './username.ts';

export interface NewPassword {
  readonly currentPassword: string;
  readonly newPassword: string;
  /** Of a user who has a second factor. */
  readonly code?: string | undefined;
  /** Whether the other sessions, the API keys and the broker connections end. */
  readonly others: 'end' | 'keep';
}

export type PasswordChangeResult =
  | { readonly kind: 'changed' }
  /** Why the new password cannot be chosen, in words that say what to do. */
  | { readonly kind: 'invalid'; readonly problem: string }
  | Exclude<Confirmation, { kind: 'confirmed' }>;

export type ChangePassword = (
  req: Request,
  res: Response,
  password: NewPassword,
) => Promise<PasswordChangeResult>;

export interface PasswordChangeDeps {
  readonly confirmIdentity: ReturnType<typeof createConfirmIdentity>;
  readonly users: Pick<UserStore, 'findById' | 'setPassword' | 'credentialsStillValid'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly lifecycle: Pick<SessionLifecycle, 'endAccountWith' | 'signIn'>;
  readonly devices: Pick<DeviceCookies, 'issue'>;
  readonly revokeApiKeys: UserAdminDeps['revokeApiKeys'];
  readonly audit: AuditLog;
  readonly acting: Pick<Acting, 'asServer'>;
}

interface Change {
  readonly user: User;
  readonly passwordHash: string;
  /** The hash that the current password was checked against. */
  readonly replaces: string;
}

/** Gives the signed-in user another password (ASVS 6.2.2, 6.2.3, 7.4.3). Throws `unavailable` as sign-ins do. */
export function createPasswordChange(deps: PasswordChangeDeps): ChangePassword {
  const { confirmIdentity, users, rules, hasher, lifecycle, devices, revokeApiKeys, audit, acting } = deps;

  return async function changePassword(req, res, { currentPassword, newPassword, others, code }) {
    const user = await users.findById(currentSession(req).userId);
    if (user === undefined) throw new AppError('login_required', 'Sign in first.');
    const problem =
      newPassword.normalize('NFC') === currentPassword.normalize('NFC')
        ? 'Choose another password than the one you have.'
        : await rules.problemWith(newPassword, user);
    if (problem !== undefined) return { kind: 'invalid', problem };
    const confirmation = await confirmIdentity(req, res, { password: currentPassword, code });
    if (confirmation.kind !== 'confirmed') return confirmation;

    const passwordHash = await hasher.hash(newPassword);
    const change: Change = { user, passwordHash, replaces: confirmation.passwordHash };
    const isChanged =
      others === 'end' ? await endOthers(req, res, change) : await keepOthers(req, res, change);
    // The password was changed elsewhere while this one was hashed: the one that was entered is no longer the current one.
    if (!isChanged) return { kind: 'refused' };
    // The browser is known since the new password from here on.
    devices.issue(res, usernameKey(user.username));
    return { kind: 'changed' };
  };

  async function keepOthers(
    req: Request,
    res: Response,
    { user, passwordHash, replaces }: Change,
  ): Promise<boolean> {
    if (!(await users.setPassword(user.id, passwordHash, { replaces }))) return false;
    await audit.record({ type: 'password.changed', userId: user.id, others: 'keep' }, auditOrigin(req, res));
    return true;
  }

  /**
   * Ends everything that began with the old password, stored together with the new one, and signs this browser in anew,
   * under another session id.
   */
  async function endOthers(
    req: Request,
    res: Response,
    { user: { id: userId, username, role }, passwordHash, replaces }: Change,
  ): Promise<boolean> {
    const origin = auditOrigin(req, res);
    // It stays the same device, which is not told of what its user did there.
    const { deviceId } = req.session;
    const device = deviceId === undefined ? {} : { deviceId };
    let tellOfKeys = async (): Promise<number> => 0;
    const receipt = await lifecycle.endAccountWith(
      userId,
      'password_changed',
      origin,
      async (trx) => {
        if (!(await users.setPassword(userId, passwordHash, { trx, replaces }))) return false;
        tellOfKeys = await revokeApiKeys(trx, userId, origin);
        return true;
      },
      async () => {
        await audit.record({ type: 'password.changed', userId, others: 'end' }, origin);
        await tellOfKeys();
      },
    );
    if (receipt === undefined) return false;
    await acting.asServer(() => signInAnew(req, res, { userId, username, role, ...device }, passwordHash));
    return true;
  }

  async function signInAnew(
    req: Request,
    res: Response,
    user: SigningInUser,
    passwordHash: string,
  ): Promise<void> {
    await regenerateSession(req);
    const begun = await lifecycle.signIn(req, res, user, () =>
      users.credentialsStillValid(user.userId, passwordHash),
    );
    if (begun === 'refused') throw new AppError('session_expired', 'Your session has ended. Sign in again.');
  }
}

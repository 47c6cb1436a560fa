import type { Request, Response } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import { AppError } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { currentSession } from '../sessions/current-session.ts';
import { regenerateSession } from '../sessions/express-session-promises.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import type { Acting } from '../storage/acting.ts';
import type { Confirmation, createConfirmIdentity } from './confirm-identity.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordRules } from './password-rules.ts';
import type { UserAdminDeps } from './user-admin.ts';
import type { User, UserStore } from './user-store.ts';

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
  readonly users: Pick<UserStore, 'findById' | 'replacePasswordHash' | 'credentialsStillValid'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly lifecycle: Pick<SessionLifecycle, 'endAccount' | 'signIn'>;
  readonly revokeApiKeys: UserAdminDeps['revokeApiKeys'];
  readonly audit: AuditLog;
  readonly acting: Pick<Acting, 'asServer'>;
}

/** Gives the signed-in user another password (ASVS 6.2.2, 6.2.3, 7.4.3). Throws `unavailable` as sign-ins do. */
export function createPasswordChange(deps: PasswordChangeDeps): ChangePassword {
  const { confirmIdentity, users, rules, hasher, lifecycle, revokeApiKeys, audit, acting } = deps;

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
    // The password was changed elsewhere while this one was hashed: the one that was entered is no longer the current one.
    if (!(await users.replacePasswordHash(user.id, confirmation.passwordHash, passwordHash)))
      return { kind: 'refused' };
    const origin = auditOrigin(req, res);
    await audit.record({ type: 'password.changed', userId: user.id, others }, origin);
    if (others === 'end') await acting.asServer(() => endOthers(req, res, user, passwordHash));
    return { kind: 'changed' };
  };

  /** Ends everything that began with the old password, and signs this browser in anew, under another session id. */
  async function endOthers(
    req: Request,
    res: Response,
    { id: userId, username, role }: User,
    passwordHash: string,
  ): Promise<void> {
    const origin = auditOrigin(req, res);
    await lifecycle.endAccount(userId, 'password_changed', origin);
    // Afterwards: an old session could have created one more until then.
    await revokeApiKeys(userId, origin);
    await regenerateSession(req);
    const begun = await lifecycle.signIn(req, res, { userId, username, role }, () =>
      users.credentialsStillValid(userId, passwordHash),
    );
    if (begun === 'refused') throw new AppError('session_expired', 'Your session has ended. Sign in again.');
  }
}

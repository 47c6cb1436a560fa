import type { AuditLog, AuditOrigin } from '../../core/audit-event.ts';
import type { Receipt } from '../../core/revocation.ts';
import type { SessionLifecycle } from '../../sessions/lifecycle.ts';
import type { PasswordHasher } from '../password-hasher.ts';
import type { PasswordRules } from '../password-rules.ts';
import type { FactorStore } from '../second-factor/factor-store.ts';
import type { UserAdminDeps } from '../user-admin.ts';
import type { User, UserStore } from '../user-store.ts';
import { BY_RECOVERY_CODE, type OneTimeLinks } from './one-time-links.ts';

export type ResetResult =
  | { readonly kind: 'reset'; readonly user: User; readonly receipt: Receipt }
  /** Why the password cannot be chosen; the link still works. */
  | { readonly kind: 'invalid'; readonly problem: string }
  /** Unknown, used or too old, or its account is disabled. */
  | { readonly kind: 'over' };

export interface PasswordReset {
  /** The owner of a working link, and whether the recovery codes go with its use. */
  find(token: string): Promise<{ readonly user: User; readonly endsRecoveryCodes: boolean } | undefined>;
  /**
   * Uses the link up, sets the password and orders the end of everything of the user, in one transaction. The second factor
   * stays, without its recovery codes where one of them made the link, and the user is not signed in by it. Throws `unavailable` as sign-ins do.
   */
  complete(token: string, password: string, origin: AuditOrigin): Promise<ResetResult>;
}

export interface PasswordResetDeps {
  readonly links: OneTimeLinks;
  readonly factors: Pick<FactorStore, 'removeRecoveryCodes'>;
  readonly users: Pick<UserStore, 'findById' | 'setPassword'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly lifecycle: Pick<SessionLifecycle, 'endAccountWith'>;
  readonly revokeApiKeys: UserAdminDeps['revokeApiKeys'];
  readonly audit: AuditLog;
}

export function createPasswordReset(deps: PasswordResetDeps): PasswordReset {
  const { links, factors, users, rules, hasher, lifecycle, revokeApiKeys, audit } = deps;

  const find: PasswordReset['find'] = async (token) => {
    const link = await links.find('password_reset', token);
    const user = link && (await users.findById(link.userId));
    if (link === undefined || user === undefined || user.disabled) return undefined;
    return { user, endsRecoveryCodes: link.subject === BY_RECOVERY_CODE };
  };

  return {
    find,

    async complete(token, password, origin) {
      const user = (await find(token))?.user;
      if (user === undefined) return { kind: 'over' };
      const problem = await rules.problemWith(password, user);
      if (problem !== undefined) return { kind: 'invalid', problem };
      const passwordHash = await hasher.hash(password);
      const who = { ...origin, actor: user.username };
      let tellOfKeys = async (): Promise<number> => 0;
      const receipt = await lifecycle.endAccountWith(
        user.id,
        'password_changed',
        who,
        async (trx) => {
          const link = await links.use('password_reset', token, trx);
          if (link === undefined) return false;
          await users.setPassword(user.id, passwordHash, { trx });
          // Or the next of the codes would be the second factor, and the sheet of them the whole account.
          if (link.subject === BY_RECOVERY_CODE) await factors.removeRecoveryCodes(user.id, trx);
          tellOfKeys = await revokeApiKeys(trx, user.id, who);
          return true;
        },
        async () => {
          await audit.record({ type: 'account.password_reset', userId: user.id, by: 'link' }, who);
          await tellOfKeys();
        },
      );
      if (receipt === undefined) return { kind: 'over' };
      return { kind: 'reset', user, receipt };
    },
  };
}

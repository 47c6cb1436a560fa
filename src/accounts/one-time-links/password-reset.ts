import type { AuditLog, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { SendMail } from '../../core/mail.ts';
import type { Receipt } from '../../core/revocation.ts';
import type { SessionLifecycle } from '../../sessions/lifecycle.ts';
import { passwordChangedMail } from '../account-mails.ts';
import type { PasswordHasher } from '../password-hasher.ts';
import type { PasswordRules } from '../password-rules.ts';
import type { UserAdminDeps } from '../user-admin.ts';
import type { User, UserStore } from '../user-store.ts';
import type { LinkStore } from './link-store.ts';
import type { OneTimeLinks } from './one-time-links.ts';

export type ResetResult =
  | { readonly kind: 'reset'; readonly user: User; readonly receipt: Receipt }
  /** Why the password cannot be chosen; the link still works. */
  | { readonly kind: 'invalid'; readonly problem: string }
  /** Unknown, used or too old, or its account is disabled. */
  | { readonly kind: 'over' };

export interface PasswordReset {
  /** Whose link it is, while it works. */
  userOf(token: string): Promise<User | undefined>;
  /**
   * Uses the link up, sets the password and orders the end of everything of the user, in one transaction. The second
   * factor stays, and nobody is signed in. Throws `unavailable` as sign-ins do.
   */
  complete(token: string, password: string, origin: AuditOrigin): Promise<ResetResult>;
}

export interface PasswordResetDeps {
  readonly links: OneTimeLinks;
  readonly linkStore: Pick<LinkStore, 'removeAllOf'>;
  readonly users: Pick<UserStore, 'findById' | 'setPassword'>;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly lifecycle: Pick<SessionLifecycle, 'endAccountWith'>;
  readonly revokeApiKeys: UserAdminDeps['revokeApiKeys'];
  readonly sendMail: SendMail;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export function createPasswordReset(deps: PasswordResetDeps): PasswordReset {
  const { links, linkStore, users, rules, hasher, lifecycle, revokeApiKeys, sendMail, audit, clock } = deps;

  async function userOf(token: string): Promise<User | undefined> {
    const link = await links.find('password_reset', token);
    const user = link && (await users.findById(link.userId));
    return user?.disabled ? undefined : user;
  }

  return {
    userOf,

    async complete(token, password, origin) {
      const user = await userOf(token);
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
          if ((await links.use('password_reset', token, trx)) === undefined) return false;
          await users.setPassword(user.id, passwordHash, { trx });
          await linkStore.removeAllOf(user.id, 'password_reset', trx);
          tellOfKeys = await revokeApiKeys(trx, user.id, who);
          return true;
        },
        async () => {
          await audit.record({ type: 'account.password_reset', userId: user.id, by: 'link' }, who);
          await tellOfKeys();
        },
      );
      if (receipt === undefined) return { kind: 'over' };
      await sendMail(passwordChangedMail(user, clock.now() + DAY_MS));
      return { kind: 'reset', user, receipt };
    },
  };
}

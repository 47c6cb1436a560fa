import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Receipt } from '../core/revocation.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import type { InTransaction } from '../storage/change-in-transaction.ts';
import { readNewAccount } from './new-account.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { PasswordRules } from './password-rules.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { generateTemporaryPassword } from './temporary-password.ts';
import type { User, UserStore } from './user-store.ts';

/** Without a password a strong one is made; it is in the result once, and nowhere else. */
export interface UserToCreate {
  readonly username: string;
  readonly email: string;
  readonly role: User['role'];
  readonly password?: string | undefined;
}

type Invalid = { readonly kind: 'invalid'; readonly fields: Readonly<Record<string, string>> };
type UnknownUser = { readonly kind: 'unknown_user' };

/** An operator's acts on accounts: each is recorded, and ends what it must end. */
export interface UserAdmin {
  list(): Promise<readonly User[]>;
  create(
    person: UserToCreate,
    origin: AuditOrigin,
  ): Promise<
    { readonly kind: 'created'; readonly user: User; readonly temporaryPassword?: string } | Invalid
  >;
  /** Ends everything of theirs too. Disabling twice is harmless. Not for the last admin who can sign in. */
  disable(
    username: string,
    origin: AuditOrigin,
  ): Promise<
    | { readonly kind: 'disabled'; readonly user: User; readonly receipt: Receipt }
    | { readonly kind: 'last_admin'; readonly user: User }
    | UnknownUser
  >;
  /** Lets them sign in again; what had ended stays so. Enabling twice is harmless. */
  enable(
    username: string,
    origin: AuditOrigin,
  ): Promise<{ readonly kind: 'enabled'; readonly user: User } | UnknownUser>;
  /**
   * Sets the given password or a strong one, and ends everything that began with the old one: the API keys too, since they
   * may be in the same wrong hands, unless they are to be kept.
   */
  resetPassword(
    username: string,
    password: string | undefined,
    origin: AuditOrigin,
    options?: { readonly keepApiKeys?: boolean | undefined },
  ): Promise<
    | {
        readonly kind: 'reset';
        readonly user: User;
        readonly receipt: Receipt;
        readonly revokedApiKeys: number;
        readonly temporaryPassword?: string;
      }
    | UnknownUser
    | Invalid
  >;
  /** Takes the authenticator app, the passkeys and the recovery codes away, for a user who has lost them. */
  resetFactors(
    username: string,
    origin: AuditOrigin,
  ): Promise<{ readonly kind: 'reset' | 'none'; readonly user: User } | UnknownUser>;
  /** Counts from the person's next request on. A user who becomes a viewer loses all that is open. Not for the last admin who can sign in. */
  changeRole(
    username: string,
    role: User['role'],
    origin: AuditOrigin,
  ): Promise<
    | { readonly kind: 'changed' | 'unchanged'; readonly user: User }
    | { readonly kind: 'last_admin'; readonly user: User }
    | UnknownUser
  >;
}

export interface UserAdminDeps {
  readonly users: UserStore;
  readonly rules: PasswordRules;
  readonly hasher: Pick<PasswordHasher, 'hash'>;
  readonly lifecycle: Pick<SessionLifecycle, 'endAccountWith'>;
  /** Tells the person's sessions, so that their pages show the places they may go to. */
  readonly tellSessions: (userId: string, role: User['role']) => Promise<void>;
  /** In a transaction of the caller's. What it returns is to be called once that is committed, and returns how many there were. */
  readonly revokeApiKeys: (
    trx: InTransaction,
    userId: string,
    origin: AuditOrigin,
  ) => Promise<() => Promise<number>>;
  readonly resetFactor: SecondFactor['reset'];
  readonly audit: AuditLog;
}

/** For the command line and the admin's pages. All throw `unavailable` when a part does not answer. */
export function createUserAdmin({
  users,
  rules,
  hasher,
  lifecycle,
  tellSessions,
  revokeApiKeys,
  resetFactor,
  audit,
}: UserAdminDeps): UserAdmin {
  return {
    list: () => users.list(),

    async create({ role, ...person }, origin) {
      const { password, handedOver } = chosenOrGenerated(person.password);
      const account = await readNewAccount({ ...person, password }, rules);
      if (!account.ok) return { kind: 'invalid', fields: account.fields };
      const { username, email } = account.values;
      const passwordHash = await hasher.hash(password);
      const made = await users.createUser({ username, email, passwordHash, role });
      if (made.kind === 'username_taken')
        return { kind: 'invalid', fields: { username: 'This username is taken.' } };
      await audit.record({ type: 'account.created', userId: made.user.id, username, role }, origin);
      return { ...made, ...handedOver };
    },

    async disable(username, origin) {
      const user = await users.findByUsername(username);
      if (user === undefined) return { kind: 'unknown_user' };
      const receipt = await lifecycle.endAccountWith(
        user.id,
        'account_disabled',
        origin,
        (trx) => users.disableUnlessLastAdmin(user.id, trx),
        () => audit.record({ type: 'account.disabled', userId: user.id }, origin),
      );
      if (receipt === undefined) return { kind: 'last_admin', user };
      return { kind: 'disabled', user: { ...user, disabled: true }, receipt };
    },

    async enable(username, origin) {
      const user = await users.findByUsername(username);
      if (user === undefined) return { kind: 'unknown_user' };
      await users.setDisabled(user.id, false);
      await audit.record({ type: 'account.enabled', userId: user.id }, origin);
      return { kind: 'enabled', user: { ...user, disabled: false } };
    },

    async resetPassword(username, chosen, origin, { keepApiKeys = false } = {}) {
      const user = await users.findByUsername(username);
      if (user === undefined) return { kind: 'unknown_user' };
      const { password, handedOver } = chosenOrGenerated(chosen);
      const problem = await rules.problemWith(password, user);
      if (problem !== undefined) return { kind: 'invalid', fields: { password: problem } };
      const passwordHash = await hasher.hash(password);
      let revokedApiKeys = 0;
      let tellOfKeys = async (): Promise<number> => 0;
      const receipt = await lifecycle.endAccountWith(
        user.id,
        'password_changed',
        origin,
        async (trx) => {
          if (!(await users.setPassword(user.id, passwordHash, { trx }))) return false;
          if (!keepApiKeys) tellOfKeys = await revokeApiKeys(trx, user.id, origin);
          return true;
        },
        async () => {
          await audit.record({ type: 'account.password_reset', userId: user.id }, origin);
          revokedApiKeys = await tellOfKeys();
        },
      );
      if (receipt === undefined) return { kind: 'unknown_user' };
      return { kind: 'reset', user, receipt, revokedApiKeys, ...handedOver };
    },

    async resetFactors(username, origin) {
      const user = await users.findByUsername(username);
      if (user === undefined) return { kind: 'unknown_user' };
      const wasThere = await resetFactor(user.id, origin);
      return { kind: wasThere ? 'reset' : 'none', user };
    },

    async changeRole(username, role, origin) {
      const user = await users.findByUsername(username);
      if (user === undefined) return { kind: 'unknown_user' };
      const before = await (role === 'viewer'
        ? makeViewer({ users, lifecycle }, user.id, origin)
        : users.changeRoleUnlessLastAdmin(user.id, role));
      if (before === 'last_admin') return { kind: 'last_admin', user };
      if (before === role) return { kind: 'unchanged', user: { ...user, role } };
      await audit.record({ type: 'account.role_changed', userId: user.id, before, after: role }, origin);
      await tellSessions(user.id, role);
      return { kind: 'changed', user: { ...user, role } };
    },
  };
}

/** A viewer has no broker connection: everything of theirs ends with the change, in one transaction. */
async function makeViewer(
  { users, lifecycle }: Pick<UserAdminDeps, 'users' | 'lifecycle'>,
  userId: string,
  origin: AuditOrigin,
): Promise<User['role'] | 'last_admin'> {
  let before: User['role'] | 'last_admin' = 'viewer';
  await lifecycle.endAccountWith(userId, 'role_changed', origin, async (trx) => {
    before = await users.changeRoleUnlessLastAdmin(userId, 'viewer', trx);
    return before !== 'viewer' && before !== 'last_admin';
  });
  return before;
}

function chosenOrGenerated(chosen: string | undefined): {
  readonly password: string;
  readonly handedOver: { readonly temporaryPassword?: string };
} {
  if (chosen !== undefined) return { password: chosen, handedOver: {} };
  const temporaryPassword = generateTemporaryPassword();
  return { password: temporaryPassword, handedOver: { temporaryPassword } };
}

import type { HashLane } from './hash-queue.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { Credentials, User, UserStore } from './user-store.ts';
import { isUsername } from './username.ts';

export type Authentication =
  | {
      readonly kind: 'ok';
      readonly user: User;
      /** The hash that the password matched, or that replaced it: shows later whether it still stands. */
      readonly passwordHash: string;
    }
  | { readonly kind: 'refused'; readonly why: 'credentials' | 'disabled' };

export interface Authenticator {
  /** Throws `unavailable` when too many passwords are being checked in that lane. */
  authenticate(username: string, password: string, lane?: HashLane): Promise<Authentication>;
}

export interface AuthenticatorDeps {
  readonly users: Pick<UserStore, 'findCredentials' | 'replacePasswordHash'>;
  readonly hasher: PasswordHasher;
}

/** One verification for each attempt, for any name, so that the time tells nothing (ASVS 6.3.8). */
export function createAuthenticator({ users, hasher }: AuthenticatorDeps): Authenticator {
  async function authenticate(
    username: string,
    password: string,
    lane: HashLane = 'new',
  ): Promise<Authentication> {
    const account = isUsername(username) ? await users.findCredentials(username) : undefined;
    const form =
      account === undefined
        ? await hasher.verifyAgainstNobody(password, lane)
        : await hasher.match(password, account.passwordHash, lane);
    if (account === undefined || !form) return { kind: 'refused', why: 'credentials' };
    if (account.user.disabled) return { kind: 'refused', why: 'disabled' };
    if (!hasher.needsRehash(account.passwordHash, form)) return { kind: 'ok', ...account };

    const passwordHash = await renewHash(account, password);
    return passwordHash === undefined
      ? authenticate(username, password, lane)
      : { kind: 'ok', user: account.user, passwordHash };
  }

  /** Undefined when the stored hash is another one by now: by a new password, or by the same person elsewhere. */
  async function renewHash(account: Credentials, password: string): Promise<string | undefined> {
    // A full queue is no reason to refuse a right password: the next sign-in renews the hash.
    const renewed = await hasher.hash(password).catch(() => undefined);
    if (renewed === undefined) return account.passwordHash;
    const replaced = await users.replacePasswordHash(account.user.id, account.passwordHash, renewed);
    return replaced ? renewed : undefined;
  }

  return { authenticate };
}

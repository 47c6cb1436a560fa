import { DAY_MS } from '../core/duration.ts';
import type { Role } from '../core/role.ts';
import type { ApiScope } from './api-scope.ts';
import type { KeyAddresses } from './key-addresses.ts';

/** A key as its owner sees it: everything but the secret. Instants in milliseconds since the epoch. */
export interface ApiKey {
  /** The public part, by which the key is found and named: not a secret. */
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly ApiScope[];
  readonly createdAt: number;
  /** Half-open: at this very instant the key is no longer valid. Undefined: it does not expire. */
  readonly expiresAt: number | undefined;
  readonly addresses: KeyAddresses;
  /**
   * When the owner last changed the addresses of any key; undefined when there never were any, or an administrator lifted
   * the wait.
   */
  readonly addressesChangedAt: number | undefined;
  /** The last request that was let in, exact to some seconds. */
  readonly lastUsed: { readonly at: number; readonly address: string } | undefined;
}

/** A key as requests are checked against it. */
export interface StoredKey
  extends Pick<ApiKey, 'id' | 'userId' | 'name' | 'scopes' | 'expiresAt' | 'addresses'> {
  readonly username: string;
  /** Argon2id; undefined once the key was revoked. */
  readonly secretHash: string | undefined;
  readonly ownerDisabled: boolean;
  readonly ownerRole: Role;
}

/** The exchanges let a person change the addresses of their API keys once a week at most (NSE/INVG/67858 of 5 May 2025). */
export const ADDRESS_CHANGE_EVERY_MS = 7 * DAY_MS;

/** When the addresses may be changed again, in ms since the epoch; undefined when they may be changed now. */
export function nextAddressChange(
  { addressesChangedAt }: Pick<ApiKey, 'addressesChangedAt'>,
  now: number,
): number | undefined {
  if (addressesChangedAt === undefined) return undefined;
  const next = addressesChangedAt + ADDRESS_CHANGE_EVERY_MS;
  return next > now ? next : undefined;
}

export type WhyNotUsable = 'revoked' | 'owner_disabled' | 'expired';

/** Why a key that is genuine is good for nothing; undefined when it is. Comparisons only. */
export function whyNotUsable(
  { secretHash, ownerDisabled, expiresAt }: Pick<StoredKey, 'secretHash' | 'ownerDisabled' | 'expiresAt'>,
  now: number,
): WhyNotUsable | undefined {
  if (secretHash === undefined) return 'revoked';
  if (ownerDisabled) return 'owner_disabled';
  if (expiresAt !== undefined && expiresAt <= now) return 'expired';
  return undefined;
}

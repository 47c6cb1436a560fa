import { type ApiKey, nextAddressChange } from './api-key.ts';
import { type ApiScope, SCOPE_WORDS } from './api-scope.ts';
import { keyPrefix } from './key-format.ts';

/** A key as a page shows it. Instants in milliseconds since the epoch. */
export interface KeyView {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly scopes: readonly { readonly scope: ApiScope; readonly words: string }[];
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly isExpired: boolean;
  readonly primary: string | undefined;
  readonly secondary: string | undefined;
  /** Undefined: now. */
  readonly addressesFixedUntil: number | undefined;
  readonly lastUsedAt: number | undefined;
  readonly lastUsedFrom: string | undefined;
}

export function toKeyView(key: ApiKey, now: number): KeyView {
  return {
    id: key.id,
    prefix: keyPrefix(key.id),
    name: key.name,
    scopes: key.scopes.map((scope) => ({ scope, words: SCOPE_WORDS[scope] })),
    createdAt: key.createdAt,
    expiresAt: key.expiresAt,
    isExpired: key.expiresAt !== undefined && key.expiresAt <= now,
    primary: key.addresses.primary,
    secondary: key.addresses.secondary,
    addressesFixedUntil: nextAddressChange(key, now),
    lastUsedAt: key.lastUsed?.at,
    lastUsedFrom: key.lastUsed?.address,
  };
}

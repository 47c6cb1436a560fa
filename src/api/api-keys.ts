import type { AuditLog, AuditOrigin } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { InTransaction } from '../storage/change-in-transaction.ts';
import { type ApiKey, nextAddressChange } from './api-key.ts';
import type { ApiKeyStore, NewApiKey, OwnedKey } from './api-key-store.ts';
import { type KeyAddresses, listAddresses } from './key-addresses.ts';
import { isKeyId, type KeyFormat } from './key-format.ts';
import type { InvalidateKeys } from './key-invalidator.ts';
import type { SecretHasher } from './key-verifier.ts';

/** A user's choices for a new key. */
export type KeyWish = Pick<NewApiKey, 'name' | 'scopes' | 'expiresAt' | 'addresses'>;

export interface RegisteredAddresses {
  readonly addresses: readonly string[];
  readonly fixedUntil: number | undefined;
}

export type KeyCreation =
  /** `secret`: all of the key, here and nowhere else. */
  | { readonly kind: 'created'; readonly id: string; readonly secret: string }
  | { readonly kind: 'name_taken' }
  | { readonly kind: 'too_many' }
  | { readonly kind: 'addresses_too_soon' };

/** Acts of users and operators on API keys. Each is recorded. */
export interface ApiKeys {
  /** Throws `unavailable` when too many keys are being hashed. */
  create(userId: string, wish: KeyWish, origin: AuditOrigin): Promise<KeyCreation>;
  listOf(userId: string): Promise<readonly ApiKey[]>;
  countOf(userId: string): Promise<number>;
  listAll(): Promise<readonly OwnedKey[]>;
  /** A page of all users' keys, by owner, and how many there are. */
  search: ApiKeyStore['search'];
  /** One that is not revoked. */
  find(id: string): Promise<OwnedKey | undefined>;
  /** From the commit on no node takes the key. Harmless twice. */
  revoke(key: ApiKey, origin: AuditOrigin): Promise<void>;
  /**
   * Every key of a person, those that expired included, in a transaction of the caller's. What it returns is to be called
   * once that is committed: it tells the nodes and the audit log, and returns how many there were.
   */
  revokeAllOf(trx: InTransaction, userId: string, origin: AuditOrigin): Promise<() => Promise<number>>;
  changeAddresses(
    key: ApiKey,
    addresses: KeyAddresses,
    origin: AuditOrigin,
  ): Promise<'changed' | 'unchanged' | 'too_soon'>;
  /** The addresses that the person has registered, and until when they stay (ms since the epoch; undefined: no longer). */
  registrationOf(userId: string): Promise<RegisteredAddresses>;
  /** Lets the owner change addresses at once, before the week is over. */
  liftAddressWait(key: ApiKey, origin: AuditOrigin): Promise<void>;
}

export interface ApiKeysDeps {
  readonly store: ApiKeyStore;
  readonly format: Pick<KeyFormat, 'issue'>;
  readonly hasher: Pick<SecretHasher, 'hash'>;
  readonly invalidateKeys: InvalidateKeys;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Keys that are not revoked. More than a user needs, and few enough for a page. */
export const MOST_KEYS_OF_A_PERSON = 25;

export function createApiKeys(deps: ApiKeysDeps): ApiKeys {
  const { store, format, hasher, invalidateKeys, audit, clock } = deps;

  return {
    listOf: (userId) => store.listByUser(userId),
    countOf: (userId) => store.countByUser(userId),
    listAll: () => store.listAll(),
    search: (search) => store.search(search),
    find: async (id) => (isKeyId(id) ? store.find(id) : undefined),

    async create(userId, wish, origin) {
      // Before anything is hashed; others may come in between, so it is counted again when the key is stored.
      if ((await store.countByUser(userId)) >= MOST_KEYS_OF_A_PERSON) return { kind: 'too_many' };
      const { id, key: secret } = format.issue();
      const secretHash = await hasher.hash(secret);
      const key = { id, userId, secretHash, ...wish };
      const stored = await store.insert(key, clock.now(), MOST_KEYS_OF_A_PERSON);
      if (stored !== 'stored') return { kind: stored };
      const { name, scopes } = wish;
      await audit.record({ type: 'api_key.created', userId, keyId: id, name, scopes }, origin);
      return { kind: 'created', id, secret };
    },

    async revoke({ id, userId, name }, origin) {
      if (!(await store.revoke(id, clock.now()))) return;
      await invalidateKeys(userId);
      await audit.record({ type: 'api_key.revoked', userId, keyId: id, name }, origin);
    },

    async revokeAllOf(trx, userId, origin) {
      const revoked = await store.revokeAllOf(userId, clock.now(), trx);
      return async () => {
        if (revoked.length > 0) await invalidateKeys(userId);
        for (const { id, name } of revoked)
          await audit.record({ type: 'api_key.revoked', userId, keyId: id, name }, origin);
        return revoked.length;
      };
    },

    async changeAddresses({ id, userId, addresses: before }, addresses, origin) {
      if (before.primary === addresses.primary && before.secondary === addresses.secondary)
        return 'unchanged';
      if (!(await store.changeAddresses(id, addresses, clock.now()))) return 'too_soon';
      const change = { before: listAddresses(before), after: listAddresses(addresses) };
      await audit.record({ type: 'api_key.addresses_changed', userId, keyId: id, ...change }, origin);
      return 'changed';
    },

    async registrationOf(userId) {
      const { addresses, changedAt } = await store.registrationOf(userId);
      return { addresses, fixedUntil: nextAddressChange({ addressesChangedAt: changedAt }, clock.now()) };
    },

    async liftAddressWait({ id, userId }, origin) {
      await store.liftAddressWait(id);
      await audit.record({ type: 'api_key.address_wait_lifted', userId, keyId: id }, origin);
    },
  };
}

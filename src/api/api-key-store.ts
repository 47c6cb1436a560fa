import {
  type ExpressionBuilder,
  type InferResult,
  type Kysely,
  type Selectable,
  sql,
  type Transaction,
} from 'kysely';
import { containsText } from '../storage/contains-text.ts';
import type { Database } from '../storage/database.ts';
import type { ApiKeysTable, Schema } from '../storage/schema.ts';
import { takeUserLock } from '../storage/user-lock.ts';
import {
  type AddressRegistration,
  readRegistration,
  registerAddresses,
} from './address-registration-store.ts';
import type { ApiKey, StoredKey } from './api-key.ts';
import { type ApiScope, readScopes } from './api-scope.ts';
import { type KeyAddresses, listAddresses } from './key-addresses.ts';

export interface NewApiKey {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly secretHash: string;
  readonly scopes: readonly ApiScope[];
  readonly expiresAt: number | undefined;
  readonly addresses: KeyAddresses;
}

/** A use that was let in. `at` in milliseconds since the epoch. */
export interface KeyUse {
  readonly id: string;
  readonly at: number;
  readonly address: string;
}

/** A key with its owner's name: for administrators. */
export interface OwnedKey extends ApiKey {
  readonly username: string;
}

export interface KeySearch {
  readonly text: string;
  readonly offset: number;
  readonly limit: number;
}

/** The API keys. What is revoked stays as a row without its hash, for the years that an audit trail is kept. */
export interface ApiKeyStore {
  /**
   * `name_taken`: the person has a key of that name that is not revoked; `too_many`: they have `most` of those. Of several at
   * once each is counted. `addresses_too_soon`: they are not those that the person registered within the last week.
   */
  insert(
    key: NewApiKey,
    now: number,
    most?: number,
  ): Promise<'stored' | 'name_taken' | 'too_many' | 'addresses_too_soon'>;
  /** Everything that a request is checked against, in one read. Revoked and expired ones too. */
  findForUse(id: string): Promise<StoredKey | undefined>;
  /** False where the old hash is not there any more. */
  replaceSecretHash(id: string, oldHash: string, newHash: string): Promise<boolean>;
  /** One that is not revoked. */
  find(id: string): Promise<OwnedKey | undefined>;
  /** Those that are not revoked, oldest first. */
  listByUser(userId: string): Promise<readonly ApiKey[]>;
  /** The same of all users, by owner. */
  listAll(): Promise<readonly OwnedKey[]>;
  /** A page of those whose name or owner has `text` in it, and how many there are; all of them for ''. */
  search(search: KeySearch): Promise<{ readonly keys: readonly OwnedKey[]; readonly total: number }>;
  countByUser(userId: string): Promise<number>;
  /** Wipes the hash too. False when it was revoked already, or never there. */
  revoke(id: string, now: number): Promise<boolean>;
  /** The same for all of a person; returns those that were not revoked before. */
  revokeAllOf(
    userId: string,
    now: number,
    trx?: Kysely<Schema>,
  ): Promise<readonly Pick<ApiKey, 'id' | 'name'>[]>;
  /** False when the owner's last change is less than a week old, or the key is revoked: of two at a time one is stored. */
  changeAddresses(id: string, addresses: KeyAddresses, now: number): Promise<boolean>;
  /** The user's registered addresses, which hold for all keys. */
  registrationOf(userId: string): Promise<AddressRegistration>;
  /** Lets the owner of a key make the next change at once. */
  liftAddressWait(id: string): Promise<void>;
  /** A later use that is stored already stays. */
  noteUses(uses: readonly KeyUse[]): Promise<void>;
}

export function createApiKeyStore({ db }: Database): ApiKeyStore {
  return {
    ...createKeyReads(db),

    insert: (key, now, most = Number.POSITIVE_INFINITY) =>
      db.transaction().execute(async (trx) => {
        await takeUserLock(trx, key.userId);
        if ((await countKeys(trx, key.userId)) >= most) return 'too_many';
        if (await hasLiveName(trx, key)) return 'name_taken';
        if (listAddresses(key.addresses).length > 0 && !(await registerAddresses(trx, key, now)))
          return 'addresses_too_soon';
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('api_keys')
          .values(toNewRow(key, now))
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow();
        return numInsertedOrUpdatedRows === 1n ? 'stored' : 'name_taken';
      }),

    async replaceSecretHash(id, oldHash, newHash) {
      const { numUpdatedRows } = await db
        .updateTable('api_keys')
        .set({ secret_hash: newHash })
        .where('id', '=', id)
        .where('secret_hash', '=', oldHash)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },

    async revoke(id, now) {
      const { numUpdatedRows } = await db
        .updateTable('api_keys')
        .set({ revoked_at: now, secret_hash: null })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    revokeAllOf: (userId, now, trx = db) =>
      trx
        .updateTable('api_keys')
        .set({ revoked_at: now, secret_hash: null })
        .where('user_id', '=', userId)
        .where('revoked_at', 'is', null)
        .returning(['id', 'name'])
        .execute(),

    changeAddresses: (id, addresses, now) =>
      db.transaction().execute(async (trx) => {
        const owner = await trx
          .selectFrom('api_keys')
          .select('user_id')
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst();
        if (owner === undefined) return false;
        const userId = owner.user_id;
        await takeUserLock(trx, userId);
        if (!(await registerAddresses(trx, { userId, id, addresses }, now))) return false;
        const { numUpdatedRows } = await trx
          .updateTable('api_keys')
          .set({
            address_primary: addresses.primary ?? null,
            address_secondary: addresses.secondary ?? null,
            addresses_changed_at: now,
          })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),

    async liftAddressWait(id) {
      await db
        .updateTable('address_registrations')
        .set({ changed_at: null })
        .where('user_id', '=', (eb) => eb.selectFrom('api_keys').select('user_id').where('id', '=', id))
        .execute();
    },

    noteUses: (uses) =>
      db.transaction().execute(async (trx) => {
        for (const { id, at, address } of uses) {
          await trx
            .updateTable('api_keys')
            .set({ last_used_at: at, last_used_address: address })
            .where('id', '=', id)
            .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', at)]))
            .execute();
        }
      }),
  };
}

function createKeyReads(
  db: Kysely<Schema>,
): Pick<
  ApiKeyStore,
  'findForUse' | 'find' | 'listByUser' | 'listAll' | 'search' | 'countByUser' | 'registrationOf'
> {
  const selectKeys = () => db.selectFrom('api_keys').innerJoin('users', 'users.id', 'api_keys.user_id');

  // Asked for each request, so it is put into SQL once.
  const forUse = selectKeys()
    .select(['api_keys.id', 'api_keys.user_id', 'api_keys.name', 'api_keys.scopes', 'api_keys.expires_at'])
    .select(['api_keys.secret_hash', 'api_keys.revoked_at'])
    .select(['api_keys.address_primary', 'api_keys.address_secondary'])
    .select(['users.username', 'users.disabled', 'users.role'])
    .where('api_keys.id', '=', '')
    .compile();

  const selectOwned = () =>
    selectKeys()
      .leftJoin('address_registrations', 'address_registrations.user_id', 'users.id')
      .selectAll('api_keys')
      .select(['users.username', 'address_registrations.changed_at as registered_at'])
      .where('api_keys.revoked_at', 'is', null);

  const selectOwnedByOwner = () =>
    selectOwned().orderBy('users.username_key').orderBy('api_keys.created_at').orderBy('api_keys.id');

  return {
    async findForUse(id) {
      const query = { ...forUse, parameters: [id] };
      const { rows } = await db.executeQuery<InferResult<typeof forUse>[number]>(query);
      const [row] = rows;
      return (
        row && {
          id: row.id,
          userId: row.user_id,
          username: row.username,
          name: row.name,
          scopes: readScopes(row.scopes),
          expiresAt: row.expires_at ?? undefined,
          addresses: toAddresses(row),
          secretHash: row.revoked_at === null ? (row.secret_hash ?? undefined) : undefined,
          ownerDisabled: row.disabled === 1,
          ownerRole: row.role,
        }
      );
    },

    async find(id) {
      const row = await selectOwned().where('api_keys.id', '=', id).executeTakeFirst();
      return row && toOwnedKey(row);
    },

    async listByUser(userId) {
      const rows = await selectOwned()
        .where('api_keys.user_id', '=', userId)
        .orderBy('api_keys.created_at')
        .orderBy('api_keys.id')
        .execute();
      return rows.map(toApiKey);
    },

    async listAll() {
      return (await selectOwnedByOwner().execute()).map(toOwnedKey);
    },

    async search({ text, offset, limit }) {
      const key = text.toLowerCase();
      const matches = (eb: ExpressionBuilder<Schema, 'api_keys' | 'users'>) =>
        eb.or([
          containsText(sql.ref('users.username_key'), key),
          containsText(sql`lower(api_keys.name)`, key),
        ]);
      const { total } = await selectKeys()
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .where('api_keys.revoked_at', 'is', null)
        .where(matches)
        .executeTakeFirstOrThrow();
      const rows = await selectOwnedByOwner().where(matches).offset(offset).limit(limit).execute();
      return { keys: rows.map(toOwnedKey), total: Number(total) };
    },

    countByUser: (userId) => countKeys(db, userId),

    registrationOf: (userId) => readRegistration(db, userId),
  };
}

/** Asked before anything is registered for the key; the index decides between two at once. */
async function hasLiveName(trx: Transaction<Schema>, { userId, name }: NewApiKey): Promise<boolean> {
  const row = await trx
    .selectFrom('api_keys')
    .select('id')
    .where('user_id', '=', userId)
    .where('name', '=', name)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

async function countKeys(db: Kysely<Schema>, userId: string): Promise<number> {
  const { count } = await db
    .selectFrom('api_keys')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

function toNewRow({ id, userId, name, secretHash, scopes, expiresAt, addresses }: NewApiKey, now: number) {
  return {
    id,
    user_id: userId,
    name,
    secret_hash: secretHash,
    scopes: scopes.join(' '),
    created_at: now,
    expires_at: expiresAt ?? null,
    revoked_at: null,
    address_primary: addresses.primary ?? null,
    address_secondary: addresses.secondary ?? null,
    addresses_changed_at: addresses.primary === undefined ? null : now,
    last_used_at: null,
    last_used_address: null,
  };
}

type ApiKeyRow = Selectable<ApiKeysTable> & { readonly registered_at: number | null };

function toApiKey(row: ApiKeyRow): ApiKey {
  const { last_used_at: at, last_used_address: address } = row;
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    scopes: readScopes(row.scopes),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    addresses: toAddresses(row),
    addressesChangedAt: row.registered_at ?? undefined,
    lastUsed: at === null || address === null ? undefined : { at, address },
  };
}

function toAddresses(
  row: Pick<Selectable<ApiKeysTable>, 'address_primary' | 'address_secondary'>,
): KeyAddresses {
  return { primary: row.address_primary ?? undefined, secondary: row.address_secondary ?? undefined };
}

function toOwnedKey(row: ApiKeyRow & { readonly username: string }): OwnedKey {
  return { ...toApiKey(row), username: row.username };
}

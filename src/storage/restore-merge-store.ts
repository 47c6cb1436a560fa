import type { Selectable, Transaction } from 'kysely';
import type { CarriedOver } from '../core/audit-event.ts';
import { batchesOf } from '../core/batches.ts';
import { includesRole } from '../core/role.ts';
import type { Database } from './database.ts';
import type {
  AddressRegistrationsTable,
  ApiKeysTable,
  BansTable,
  PasskeysTable,
  Schema,
  StrategiesTable,
  TotpFactorsTable,
  TrustedAddressesTable,
  UsersTable,
} from './schema.ts';

/** Revocations and bans that a restored database must not undo, as the database that it replaces has them. */
export interface PresentState {
  readonly users: readonly Selectable<UsersTable>[];
  readonly epochs: readonly { readonly user_id: string; readonly epoch: number }[];
  readonly apiKeys: readonly Selectable<ApiKeysTable>[];
  readonly factors: readonly TotpFactorsTable[];
  readonly recoveryCodes: readonly Schema['recovery_codes'][];
  readonly passkeys: readonly Selectable<PasskeysTable>[];
  readonly addressRegistrations: readonly AddressRegistrationsTable[];
  readonly strategies: readonly Selectable<StrategiesTable>[];
  readonly bans: readonly Selectable<BansTable>[];
  readonly offences: readonly Selectable<Schema['ban_offences']>[];
  readonly trusted: readonly Selectable<TrustedAddressesTable>[];
}

/** Rejects where the database cannot be read, or is of another version. */
export async function readPresentState({ db }: Pick<Database, 'db'>): Promise<PresentState> {
  return {
    users: await db.selectFrom('users').selectAll().execute(),
    epochs: await db.selectFrom('user_epochs').selectAll().execute(),
    apiKeys: await db.selectFrom('api_keys').selectAll().execute(),
    factors: await db.selectFrom('totp_factors').selectAll().execute(),
    recoveryCodes: await db.selectFrom('recovery_codes').selectAll().execute(),
    passkeys: await db.selectFrom('passkeys').selectAll().execute(),
    addressRegistrations: await db.selectFrom('address_registrations').selectAll().execute(),
    strategies: await db.selectFrom('strategies').selectAll().execute(),
    bans: await db.selectFrom('bans').selectAll().execute(),
    offences: await db.selectFrom('ban_offences').selectAll().execute(),
    trusted: await db.selectFrom('trusted_addresses').selectAll().execute(),
  };
}

type Trx = Transaction<Schema>;

/** Brings what was taken from people and programs since into a restored database. All of it, or nothing. */
export function carryOver({ db }: Pick<Database, 'db'>, present: PresentState): Promise<CarriedOver> {
  return db.transaction().execute(async (trx) => ({
    ...(await carryOverPeople(trx, present)),
    ...(await carryOverApiKeys(trx, present)),
    strategies: await carryOverStrategies(trx, present),
    bans: await carryOverBans(trx, present),
  }));
}

/**
 * For when nothing tells which of them were revoked since: a key without proof is none. Returns their names.
 * `now`: ms since the epoch.
 */
export async function revokeAllApiKeys(
  { db }: Pick<Database, 'db'>,
  now: number,
): Promise<readonly string[]> {
  const rows = await db
    .updateTable('api_keys')
    .set({ revoked_at: now, secret_hash: null })
    .where('revoked_at', 'is', null)
    .returning('name')
    .execute();
  return rows.map(({ name }) => name);
}

/** No user's epoch may go back, and all go up: what began before the restoration is of an earlier one. */
export async function raiseEpochs(
  { db }: Pick<Database, 'db'>,
  present: PresentState['epochs'],
): Promise<void> {
  const known = new Map(present.map(({ user_id, epoch }) => [user_id, epoch]));
  await db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('users')
      .leftJoin('user_epochs', 'user_epochs.user_id', 'users.id')
      .select(['users.id', 'user_epochs.epoch'])
      .execute();
    for (const { id, epoch } of rows) {
      const raised = Math.max(epoch ?? 0, known.get(id) ?? 0) + 1;
      await trx
        .insertInto('user_epochs')
        .values({ user_id: id, epoch: raised })
        .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ epoch: raised }))
        .execute();
    }
  });
}

async function carryOverPeople(trx: Trx, present: PresentState) {
  const { users } = present;
  await carryOverFactors(trx, present);
  const now = new Map(users.map((user) => [user.id, user]));
  const outcome = { disabled: [] as string[], passwords: [] as string[], demoted: [] as string[] };
  for (const old of await trx.selectFrom('users').selectAll().execute()) {
    const user = now.get(old.id);
    if (user === undefined) continue;
    const isDisabled = user.disabled === 1 && old.disabled === 0;
    const isDemoted = !includesRole(user.role, old.role);
    const hasNewPassword = user.password_hash !== old.password_hash;
    // The former address may be in another hand, and a link to reset the password would go there.
    const hasNewEmail = user.email !== old.email || user.email_confirmed_at !== old.email_confirmed_at;
    if (isDisabled) outcome.disabled.push(old.username);
    if (isDemoted) outcome.demoted.push(old.username);
    if (hasNewPassword) outcome.passwords.push(old.username);
    if (!isDisabled && !isDemoted && !hasNewPassword && !hasNewEmail) continue;
    await trx
      .updateTable('users')
      .set({
        password_hash: user.password_hash,
        password_set_at: user.password_set_at,
        email: user.email,
        email_confirmed_at: user.email_confirmed_at,
        ...(isDisabled ? { disabled: 1 as const } : {}),
        ...(isDemoted ? { role: user.role } : {}),
      })
      .where('id', '=', old.id)
      .execute();
  }
  return outcome;
}

/** As they are now: a used recovery code stays used, and a lost app that was removed stays removed. */
async function carryOverFactors(
  trx: Trx,
  { users, factors, recoveryCodes, passkeys }: PresentState,
): Promise<void> {
  const restored = new Set((await trx.selectFrom('users').select('id').execute()).map(({ id }) => id));
  const known = users.map(({ id }) => id).filter((id) => restored.has(id));
  for (const batch of batchesOf(known, BATCH)) {
    await trx.deleteFrom('totp_factors').where('user_id', 'in', batch).execute();
    await trx.deleteFrom('recovery_codes').where('user_id', 'in', batch).execute();
    await trx.deleteFrom('passkeys').where('user_id', 'in', batch).execute();
  }
  const isRestored = ({ user_id }: { readonly user_id: string }): boolean => restored.has(user_id);
  for (const batch of batchesOf(factors.filter(isRestored), BATCH))
    await trx.insertInto('totp_factors').values(batch).execute();
  for (const batch of batchesOf(recoveryCodes.filter(isRestored), BATCH))
    await trx.insertInto('recovery_codes').values(batch).execute();
  for (const batch of batchesOf(passkeys.filter(isRestored), BATCH))
    await trx.insertInto('passkeys').values(batch).execute();
}

/** A key that is not there any more was revoked, and then forgotten. */
async function carryOverApiKeys(trx: Trx, { apiKeys, addressRegistrations }: PresentState) {
  const now = new Map(apiKeys.map((key) => [key.id, key]));
  const outcome = { apiKeys: [] as string[], keyLimits: [] as string[] };
  for (const old of await trx.selectFrom('api_keys').selectAll().execute()) {
    if (old.revoked_at !== null) continue;
    const key = now.get(old.id);
    if (key === undefined || key.revoked_at !== null) {
      outcome.apiKeys.push(old.name);
      await trx
        .updateTable('api_keys')
        .set({ revoked_at: key?.revoked_at ?? old.created_at, secret_hash: null })
        .where('id', '=', old.id)
        .execute();
      continue;
    }
    const { address_primary, address_secondary, addresses_changed_at, expires_at } = key;
    const isChanged =
      address_primary !== old.address_primary ||
      address_secondary !== old.address_secondary ||
      expires_at !== old.expires_at;
    if (isChanged) outcome.keyLimits.push(old.name);
    await trx
      .updateTable('api_keys')
      .set({ address_primary, address_secondary, addresses_changed_at, expires_at })
      .where('id', '=', old.id)
      .execute();
  }
  await carryOverRegistrations(trx, addressRegistrations);
  return outcome;
}

/** As they are now: a week does not begin anew, nor end, because a file was put back. */
async function carryOverRegistrations(
  trx: Trx,
  registrations: PresentState['addressRegistrations'],
): Promise<void> {
  const users = new Set((await trx.selectFrom('users').select('id').execute()).map(({ id }) => id));
  await trx.deleteFrom('address_registrations').execute();
  for (const row of registrations.filter(({ user_id }) => users.has(user_id)))
    await trx.insertInto('address_registrations').values(row).execute();
}

/** A strategy that was switched off must not trade again because a file was put back. A missing one can be switched on again. */
async function carryOverStrategies(trx: Trx, { strategies }: PresentState): Promise<readonly string[]> {
  const now = new Map(strategies.map((strategy) => [strategy.id, strategy]));
  const names: string[] = [];
  for (const old of await trx.selectFrom('strategies').selectAll().execute()) {
    if (old.deleted_at !== null) continue;
    const strategy = now.get(old.id);
    const isThere = strategy !== undefined && strategy.deleted_at === null;
    const isOff = !isThere || strategy.active === 0;
    const isLocked =
      isThere &&
      (strategy.webhook_digest !== old.webhook_digest ||
        strategy.signing_secret !== old.signing_secret ||
        strategy.allowed_addresses !== old.allowed_addresses);
    if (!(isOff && old.active === 1) && !isLocked) continue;
    names.push(old.name);
    await trx
      .updateTable('strategies')
      .set({
        version: Math.max(old.version, strategy?.version ?? 0) + 1,
        active: isOff ? 0 : old.active,
        ...(isThere
          ? {
              webhook_digest: strategy.webhook_digest,
              webhook_id: strategy.webhook_id,
              signing_secret: strategy.signing_secret,
              allowed_addresses: strategy.allowed_addresses,
            }
          : {}),
      })
      .where('id', '=', old.id)
      .execute();
  }
  return names;
}

/** As they are now: those that were added since hold on, and those that were lifted since stay lifted. */
async function carryOverBans(trx: Trx, { bans, offences, trusted }: PresentState): Promise<number> {
  await trx.deleteFrom('bans').execute();
  await trx.deleteFrom('ban_offences').execute();
  await trx.deleteFrom('trusted_addresses').execute();
  for (const batch of batchesOf(bans, BATCH)) {
    const rows = batch.map(({ id: _, ...ban }) => ban);
    await trx.insertInto('bans').values(rows).execute();
  }
  for (const batch of batchesOf(offences, BATCH))
    await trx.insertInto('ban_offences').values(batch).execute();
  for (const batch of batchesOf(trusted, BATCH))
    await trx.insertInto('trusted_addresses').values(batch).execute();
  return bans.length;
}

const BATCH = 500;

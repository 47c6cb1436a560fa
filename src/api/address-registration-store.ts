import type { Kysely, Transaction } from 'kysely';
import { z } from 'zod';
import { readStoredJson } from '../storage/read-stored-json.ts';
import type { Schema } from '../storage/schema.ts';
import { nextAddressChange } from './api-key.ts';
import { type KeyAddresses, listAddresses } from './key-addresses.ts';

/** The addresses that a person has registered for their keys. It outlasts every key. */
export interface AddressRegistration {
  readonly addresses: readonly string[];
  /** In ms since the epoch; undefined when there never were any, or an administrator lifted the wait. */
  readonly changedAt: number | undefined;
}

export async function readRegistration(db: Kysely<Schema>, userId: string): Promise<AddressRegistration> {
  const row = await db
    .selectFrom('address_registrations')
    .select(['addresses', 'changed_at'])
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (row === undefined) return { addresses: [], changedAt: undefined };
  const addresses = readStoredJson(row.addresses, z.array(z.string()), []);
  return { addresses, changedAt: row.changed_at ?? undefined };
}

/**
 * Registers what a key is to have. False when that would be a second change within a week; addresses that are registered
 * already are no change. To be called under the lock of the person.
 */
export async function registerAddresses(
  trx: Transaction<Schema>,
  {
    userId,
    id,
    addresses,
  }: { readonly userId: string; readonly id: string; readonly addresses: KeyAddresses },
  now: number,
): Promise<boolean> {
  const wanted = listAddresses(addresses);
  const known = await readRegistration(trx, userId);
  if (wanted.length > 0 && wanted.every((address) => known.addresses.includes(address))) return true;
  if (nextAddressChange({ addressesChangedAt: known.changedAt }, now) !== undefined) return false;
  // Where a key is to work from anywhere, what was registered stays so.
  const registered = wanted.length > 0 ? wanted : known.addresses;
  const all = [...new Set([...registered, ...(await addressesOfOtherKeys(trx, userId, id))])];
  const row = { addresses: JSON.stringify(all), changed_at: now };
  await trx
    .insertInto('address_registrations')
    .values({ user_id: userId, ...row })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet(row))
    .execute();
  return true;
}

async function addressesOfOtherKeys(
  trx: Transaction<Schema>,
  userId: string,
  id: string,
): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom('api_keys')
    .select(['address_primary', 'address_secondary'])
    .where('user_id', '=', userId)
    .where('id', '!=', id)
    .where('revoked_at', 'is', null)
    .execute();
  return rows
    .flatMap((row) => [row.address_primary, row.address_secondary])
    .filter((address) => address !== null);
}

import { type Kysely, sql } from 'kysely';

/**
 * Which addresses a person has registered for their API keys, and when that last changed: the rule of the exchanges is about
 * the person, so it outlasts every key. What is there begins with the addresses of all keys that are not revoked.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('address_registrations')
    .addColumn('user_id', 'text', (c) => c.primaryKey().references('users.id').onDelete('cascade'))
    .addColumn('addresses', 'text', (c) => c.notNull())
    .addColumn('changed_at', 'bigint')
    .execute();
  const { rows } = await sql<KeyRow>`
    select user_id, address_primary, address_secondary, addresses_changed_at, revoked_at from api_keys
    where addresses_changed_at is not null or address_primary is not null
    order by coalesce(addresses_changed_at, 0)`.execute(db);
  for (const [userId, keys] of Map.groupBy(rows, (row) => row.user_id)) {
    const live = keys.filter((key) => key.revoked_at === null && key.address_primary !== null);
    const addresses = (live.length > 0 ? live : keys.slice(-1)).flatMap(addressesOf);
    // Without an instant somewhere an administrator has lifted the wait, or there never was one.
    const changedAt = keys.at(-1)?.addresses_changed_at ?? null;
    await sql`insert into address_registrations (user_id, addresses, changed_at)
      values (${userId}, ${JSON.stringify([...new Set(addresses)])}, ${changedAt})`.execute(db);
  }
}

interface KeyRow {
  readonly user_id: string;
  readonly address_primary: string | null;
  readonly address_secondary: string | null;
  readonly addresses_changed_at: number | null;
  readonly revoked_at: number | null;
}

const addressesOf = ({ address_primary, address_secondary }: KeyRow): readonly string[] =>
  [address_primary, address_secondary].filter((address) => address !== null);

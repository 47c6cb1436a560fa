import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { migrateToLatest } from '../../../src/storage/migrate.ts';
import { addUser } from '../../broker/databases.ts';
import { DATABASES } from '../databases.ts';

describe.each(DATABASES)('the addresses of API keys from before on %s', (_name, open) => {
  it('are registered for their owners, with the last change of any key, revoked ones too', async () => {
    const database = await open();
    const { db, dialect } = database;
    await db.schema.dropTable('address_registrations').execute();
    await sql`delete from kysely_migration where name = '0021-address-registrations'`.execute(db);
    for (const [id, userId, primary, secondary, changedAt, revokedAt] of [
      ['a1', 'asha', '10.0.0.1', '10.0.0.2', 1000, null],
      ['a2', 'asha', '10.0.0.2', null, 3000, null],
      ['a3', 'asha', '10.0.0.3', null, 2000, 2500],
      ['r1', 'ravi', '10.0.0.4', null, 1000, 1500],
      ['r2', 'ravi', '10.0.0.5', null, 2000, 2500],
      ['m1', 'mira', null, null, null, null],
    ] as const) {
      await addUser(database, userId).catch(() => undefined);
      await sql`
        insert into api_keys (id, user_id, name, secret_hash, scopes, created_at, revoked_at, address_primary, address_secondary, addresses_changed_at)
        values (${id}, ${userId}, ${id}, 'hash', 'session:read', 1, ${revokedAt}, ${primary}, ${secondary}, ${changedAt})`.execute(
        db,
      );
    }
    await migrateToLatest(db, dialect);
    expect(await db.selectFrom('address_registrations').selectAll().orderBy('user_id').execute()).toEqual([
      { user_id: 'asha', addresses: '["10.0.0.1","10.0.0.2"]', changed_at: 3000 },
      { user_id: 'ravi', addresses: '["10.0.0.5"]', changed_at: 2000 },
    ]);
    await database.close();
  });
});

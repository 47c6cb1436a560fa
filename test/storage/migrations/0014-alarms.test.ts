import { type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { MigrationContext } from '../../../src/storage/migrate.ts';
import { up } from '../../../src/storage/migrations/0014-alarms.ts';
import { readKinds } from '../../../src/telegram/message-kinds.ts';
import { addUser } from '../../broker/databases.ts';
import { DATABASES } from '../databases.ts';

const CONTEXTS: Readonly<Record<string, MigrationContext>> = {
  SQLite: {
    dialect: 'sqlite',
    serial: { type: 'integer', build: (column) => column.primaryKey().autoIncrement() },
  },
  Postgres: { dialect: 'postgres', serial: { type: 'bigserial', build: (column) => column.primaryKey() } },
};

function contextOf(name: string): MigrationContext {
  const context = CONTEXTS[name];
  if (context === undefined) throw new Error(`No context for ${name}`);
  return context;
}

describe.each(DATABASES)('whoever hears of bans on %s', (dialect, open) => {
  it('hears of alarms as well, and nobody else', async () => {
    const database = await open();
    const { db } = database;
    await db.schema.dropTable('alarms').execute();
    for (const [userId, events] of [
      ['asha', 'new_device,ban'],
      ['ravi', 'new_device'],
      ['mira', ''],
    ] as const) {
      await addUser(database, userId);
      await sql`
        insert into telegram_bots (user_id, bot_token, link_code, events, version, set_at, next_send_at, claims, answered_at, pace_ms, failures)
        values (${userId}, 't', 'c', ${events}, '1', 1, 1, 0, 0, 0, 0)`.execute(db);
    }
    await up(db as unknown as Kysely<unknown>, contextOf(dialect));
    const rows = await db
      .selectFrom('telegram_bots')
      .select(['user_id', 'events'])
      .orderBy('user_id')
      .execute();
    expect(rows.map(({ events }) => events)).toEqual(['new_device,ban,alarm', '', 'new_device']);
    expect(rows.map(({ events }) => readKinds(events))).toEqual([
      ['new_device', 'ban', 'alert'],
      [],
      ['new_device'],
    ]);
    await database.close();
  });
});

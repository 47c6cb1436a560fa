import { type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createAuditRowStore } from '../../../src/audit/audit-row-store.ts';
import { verifyChain } from '../../../src/audit/chain-verification.ts';
import { startOfIstHour } from '../../../src/core/ist.ts';
import type { Database } from '../../../src/storage/database.ts';
import { up } from '../../../src/storage/migrations/0012-audit-chain.ts';
import { DATABASES } from '../databases.ts';

const NOON = Date.parse('2026-11-20T12:00:00+05:30');

/** The tables as the migration finds them. */
async function goBack({ db, dialect }: Database): Promise<void> {
  const statements = [
    'drop table audit_log',
    'drop table audit_head',
    'drop table audit_checks',
    'drop table audit_hours',
    ...(dialect === 'postgres' ? ['drop function audit_refuse', 'drop function audit_log_keep'] : []),
    'drop index broker_logouts_by_order',
    'alter table broker_logouts drop column order_id',
    `create table audit_log (id ${dialect === 'sqlite' ? 'integer primary key autoincrement' : 'bigserial primary key'},
      at bigint not null, type text not null, user_id text, actor text not null, address text, request_id text, detail text not null)`,
    'create index audit_log_by_at on audit_log (at)',
    'create index audit_log_by_user on audit_log (user_id, at)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

describe.each(DATABASES)('the audit log of a former version on %s', (_name, open) => {
  it('becomes a chain, in its order and without its gaps', async () => {
    const database = await open();
    await goBack(database);
    const rows = [
      [3, NOON, 'login.failed', null, 'anonymous', '{"type":"login.failed","username":"x","why":"disabled"}'],
      [
        4,
        NOON + 1,
        'session.ended',
        'u1',
        'system',
        '{"type":"session.ended","userId":"u1","reason":"cutoff","sessions":1}',
      ],
      [9, NOON - 5, 'session.ended', 'u2', 'system', 'no json'],
    ] as const;
    for (const [id, at, type, user, actor, detail] of rows)
      await sql`insert into audit_log values (${id}, ${at}, ${type}, ${user}, ${actor}, null, ${'r'}, ${detail})`.execute(
        database.db,
      );

    const migrate = (db: unknown) =>
      up(db as Kysely<unknown>, { dialect: database.dialect, serial: { type: 'integer', build: (c) => c } });
    if (database.dialect === 'postgres') await database.db.transaction().execute(migrate);
    else await migrate(database.db);

    const chained = await database.db.selectFrom('audit_log').selectAll().orderBy('id').execute();
    expect(chained.map(({ id, type, detail }) => [id, type, detail])).toEqual(
      rows.map(([, , type, , , detail], index) => [index + 1, type, detail]),
    );
    expect(await verifyChain(createAuditRowStore(database))).toMatchObject({ problem: undefined, rows: 3 });
    const hours = await database.db
      .selectFrom('audit_hours')
      .selectAll()
      .orderBy('hour')
      .orderBy('kind')
      .execute();
    expect(hours).toEqual([
      { hour: startOfIstHour(NOON - 5), kind: 'session.ended', events: 1 },
      { hour: startOfIstHour(NOON), kind: 'login.failed:disabled', events: 1 },
      { hour: startOfIstHour(NOON), kind: 'session.ended:cutoff', events: 1 },
    ]);
    await expect(sql`delete from audit_log`.execute(database.db)).rejects.toThrow(/append-only/);
    await database.close();
  });

  it('that is empty begins with row 1', async () => {
    const database = await open();
    expect(await createAuditRowStore(database).end()).toMatchObject({
      head: { seq: 0 },
      lastRow: 0,
      hasHead: true,
    });
    expect(await verifyChain(createAuditRowStore(database))).toMatchObject({ problem: undefined, rows: 0 });
    await database.close();
  });
});

import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readStoredJson } from '../../src/storage/read-stored-json.ts';
import { createStrategyStore } from '../../src/strategies/strategy-store.ts';
import { addStrategy } from '../strategies/strategy-world.ts';
import { startTestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

it.each(['', '{', 'null', '{}', '[1]'])('reads %j as the fallback where names are expected', (text) => {
  expect(readStoredJson(text, z.array(z.string()), ['fallback'])).toEqual(['fallback']);
});

it('shows every page although a row of each kind is damaged', async () => {
  const server = await startTestServer();
  const { database } = server.infrastructure;
  const { db } = database;
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);
  const { id: userId } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
  const strategyId = await addStrategy(database, userId);
  await db.updateTable('strategies').set({ symbols: '{', allowed_addresses: '{' }).execute();
  await db
    .insertInto('address_registrations')
    .values({ user_id: userId, addresses: '{', changed_at: 0 })
    .execute();
  await sql`insert into symbol_imports (id, broker, file_name, requested_by, status, stage, stage_done, stage_total,
    started_at, heard_at, instruments, instruments_before, bad_lines, bad_line_samples)
    values (${randomUUID()}, 'sandbox', 'file.csv', ${userId}, 'refused', 'checking', 0, 0, 0, 0, 0, 0, 1, '{')`.execute(
    db,
  );
  await sql`insert into alarms (cause, raised_at, seen_at, figure, worst, normal, node, busiest)
    values ('requests', 1, 1, 1, 1, 1, 'a', '{')`.execute(db);
  await db.updateTable('ban_state').set({ rules: '{' }).execute();

  const pages = [
    '/strategies',
    `/strategies/${strategyId}`,
    '/symbols',
    '/api-keys',
    '/profile',
    '/security/load',
    '/security/thresholds',
    '/security/bans',
  ];
  for (const page of pages) expect((await visitor.get(page)).status, page).toBe(200);
  const damaged = await createStrategyStore(database).find(userId, strategyId);
  // It takes no signal: of no symbol, and from no address.
  expect(damaged).toMatchObject({ symbols: [], allowedAddresses: ['0.0.0.0'] });
  await server.close();
});

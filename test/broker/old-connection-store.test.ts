import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CONNECTIONS_KEPT_MS, createOldConnectionStore } from '../../src/broker/old-connection-store.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES, emptyTables } from '../support/databases.ts';
import { startTestServer } from '../support/test-server.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';

describe.each(DATABASES)('Old connections on %s', (_name, open) => {
  let database: Database;
  let world: BrokerWorld;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await emptyTables(database);
    world = createBrokerWorld(database);
    await addUser(world.database, 'asha');
    await addUser(world.database, 'ravi');
  });

  const forget = () =>
    createOldConnectionStore(database).forgetEndedBefore(world.clock.now() - CONNECTIONS_KEPT_MS);
  const idsLeft = async () => (await world.tokenRows()).map(({ id }) => id);

  it('are forgotten ninety days after their end, and not a moment earlier', async () => {
    const old = await world.connect('asha');
    world.clock.advance(DAY_MS);
    const fresh = await world.connect('asha');
    world.clock.advance(CONNECTIONS_KEPT_MS);
    expect(await forget()).toBe(0);
    expect(await idsLeft()).toEqual([old.id, fresh.id]);
    world.clock.advance(1);
    expect(await forget()).toBe(1);
    expect(await idsLeft()).toEqual([fresh.id]);
  });

  it('stay as long as nobody has ended them, and what is to be told to brokers stays anyway', async () => {
    const unended = await world.connect('ravi');
    await world.connect('asha');
    await world.connect('asha');
    world.clock.advance(3 * CONNECTIONS_KEPT_MS);
    expect(await forget()).toBe(1);
    expect(await idsLeft()).toContain(unended.id);
    expect(await world.logoutRows()).toHaveLength(1);
  });

  it('are forgotten in batches until none is left', async () => {
    const { connect } = world;
    await connect('asha');
    const [row] = await world.tokenRows();
    if (row === undefined) throw new Error('no row');
    const rows = Array.from({ length: 1203 }, (_, index) => ({
      ...row,
      id: `old-${index}`,
      is_revoked: 1 as const,
      revoked_at: row.issued_at,
    }));
    for (let start = 0; start < rows.length; start += 300)
      await database.db
        .insertInto('broker_tokens')
        .values(rows.slice(start, start + 300))
        .execute();
    world.clock.advance(CONNECTIONS_KEPT_MS + 1);
    expect(await forget()).toBe(1203);
    expect(await idsLeft()).toEqual([row.id]);
  });
});

it('A server forgets old connections by itself', async () => {
  const server = await startTestServer();
  const { db } = server.infrastructure.database;
  await addUser(server.infrastructure.database, 'asha');
  const long = server.services.clock.now() - CONNECTIONS_KEPT_MS - DAY_MS;
  await db
    .insertInto('broker_tokens')
    .values({
      id: 'old',
      user_id: 'asha',
      broker: 'sandbox',
      access_token: null,
      feed_token: null,
      refresh_token: null,
      refresh_at: null,
      token_digest: null,
      epoch: 0,
      issued_at: long,
      expires_at: long,
      is_revoked: 1,
      revoked_at: long,
      revoke_reason: 'cutoff',
    })
    .execute();
  await server.services.jobs.tidy();
  expect(await db.selectFrom('broker_tokens').select('id').execute()).toEqual([]);
  await server.close();
});

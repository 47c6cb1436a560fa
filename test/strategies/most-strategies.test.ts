import { describe, expect, test } from 'vitest';
import { MOST_KEYS_OF_A_PERSON } from '../../src/api/api-keys.ts';
import { MOST_STRATEGIES } from '../../src/strategies/strategies.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { STRATEGY_FORM } from './trader.ts';

const AT_ONCE = 8;
const ROOM = 3;

describe.each([
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
] as const)('forms that are sent at once, on %s', (_name, environment) => {
  async function withPerson(work: (server: TestServer, visitor: Visitor, userId: string) => Promise<void>) {
    const server = await startTestServer({ env: await environment() });
    try {
      const visitor = createVisitor(server.origin);
      await setUp(visitor);
      await signIn(visitor);
      const { id } = await server.infrastructure.database.db
        .selectFrom('users')
        .select('id')
        .executeTakeFirstOrThrow();
      await work(server, visitor, id);
    } finally {
      await server.close();
    }
  }

  async function sendAtOnce(
    visitor: Visitor,
    origin: string,
    path: string,
    fields: (each: number) => object,
  ) {
    const token = await visitor.csrfTokenOf(`${path}/new`);
    const forms = Array.from({ length: AT_ONCE }, (_, each) =>
      visitor.post(path, { ...fields(each), _csrf: token }, { Origin: origin }),
    );
    return (await Promise.all(forms)).map(({ status }) => status);
  }

  test('make no more strategies than one person may have', async () => {
    await withPerson(async ({ origin, services, infrastructure }, visitor, userId) => {
      const { strategies } = services.strategies;
      const details = {
        name: 'Breakout',
        platform: 'python',
        broker: 'sandbox',
        symbols: [{ exchange: 'NSE', tradingSymbol: 'SBIN', quantity: 1, product: 'MIS' }],
        hours: { days: ['mon'], opensAt: 0, closesAt: 600 },
      } as const;
      for (let each = 0; each < MOST_STRATEGIES - ROOM; each += 1)
        await strategies.create(userId, details, { actor: 'test' });
      const statuses = await sendAtOnce(visitor, origin, '/strategies', (each) => ({
        ...STRATEGY_FORM,
        name: `At once ${each}`,
      }));
      expect(statuses.filter((status) => status === 303)).toHaveLength(ROOM);
      const rows = await infrastructure.database.db.selectFrom('strategies').select('id').execute();
      expect(rows).toHaveLength(MOST_STRATEGIES);
    });
  });

  test('make no more API keys than one person may have', async () => {
    await withPerson(async ({ origin, services, infrastructure }, visitor, userId) => {
      const wish = {
        name: '',
        scopes: ['session:read'],
        expiresAt: undefined,
        addresses: { primary: undefined, secondary: undefined },
      } as const;
      for (let each = 0; each < MOST_KEYS_OF_A_PERSON - ROOM; each += 1)
        await services.api.apiKeys.create(userId, { ...wish, name: `Key ${each}` }, { actor: 'test' });
      const statuses = await sendAtOnce(visitor, origin, '/api-keys', (each) => ({
        name: `At once ${each}`,
        scopes: 'session:read',
      }));
      expect(statuses.filter((status) => status === 201)).toHaveLength(ROOM);
      const rows = await infrastructure.database.db.selectFrom('api_keys').select('id').execute();
      expect(rows).toHaveLength(MOST_KEYS_OF_A_PERSON);
    });
  });
});

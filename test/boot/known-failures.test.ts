import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

describe('what Postgres takes for no text', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({
      env: { DATABASE_URL: await createPostgresDatabase() },
    });
  });
  afterAll(() => server.close());

  test('is a bad request, and no failure of the server that would raise an alert', async () => {
    const visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    for (const path of ['/strategies/%00', '/users?q=%00', '/users/%00', '/security/audit?by=%00'])
      expect((await visitor.get(path)).status).toBe(400);
    expect(server.logText()).not.toContain('A request failed');
  });
});

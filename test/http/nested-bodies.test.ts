import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);
});
afterAll(() => server.close());

/** As deep as a body may be long. */
const DEPTH = 8_000;

it.each([
  ['/auth/login', 'application/json', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`],
  ['/auth/login', 'application/json', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
  ['/csp-reports', 'application/csp-report', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`],
  ['/csp-reports', 'application/reports+json', `[${'{"body":'.repeat(1_500)}1${'}'.repeat(1_500)}]`],
  ['/api/v1/webhooks/whk_unknown', 'application/json', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`],
  ['/auth/login', 'application/x-www-form-urlencoded', `a${'[a]'.repeat(5_000)}=1`],
  ['/auth/login', 'application/x-www-form-urlencoded', 'a=1&'.repeat(4_000)],
])(
  'a body for %s that is nested or repeated is answered like any other wrong one: %s',
  async (path, type, body) => {
    const startedAt = performance.now();
    const answer = await fetch(server.origin + path, {
      method: 'POST',
      headers: { 'Content-Type': type, Accept: 'application/json' },
      body,
    });
    expect(answer.status).toBeLessThan(500);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
  },
);

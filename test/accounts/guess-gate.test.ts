import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ env: { TRUST_PROXY: '127.0.0.1', LOGIN_RATE_LIMIT: '1/minute' } });
  await setUp(createVisitor(server.origin));
});
afterEach(() => server.close());

async function guess(network: number, headers: Readonly<Record<string, string>> = {}) {
  const visitor = createVisitor(server.origin);
  const _csrf = await visitor.csrfTokenOf('/auth/login');
  return visitor.post(
    '/auth/login',
    { username: `guess${network}`, password: 'wrong', _csrf },
    { Origin: server.origin, 'X-Forwarded-For': `2001:db8:1:${network}::1`, ...headers },
  );
}

test('a /48 that has used up what it takes is refused in front of the session, and nobody else', async () => {
  const owner = createVisitor(server.origin);
  await signIn(owner);
  // Ten in the ordinary way, one in the slow lane, and one that is refused there.
  const statuses = [];
  for (let network = 1; network <= 12; network += 1) statuses.push((await guess(network)).status);
  expect(statuses).toEqual([...Array(11).fill(401), 429]);

  const refused = await guess(13);
  expect(refused.status).toBe(429);
  expect(refused.headers['retry-after']).toMatch(/^\d+$/);
  expect(refused.text).toMatch(/Too many attempts\. Try again in \d+ seconds?\./);
  expect(refused.text).not.toContain('name="_csrf"');
  expect((await guess(14, { Accept: 'application/json' })).body).toMatchObject({ error: 'rate_limited' });

  const from = (address: string) => ({ Origin: server.origin, 'X-Forwarded-For': address });
  const form = { username: PERSON.username, password: PERSON.password };
  const elsewhere = createVisitor(server.origin);
  const there = { ...form, _csrf: await elsewhere.csrfTokenOf('/auth/login') };
  expect((await elsewhere.post('/auth/login', there, from('2001:db8:2::1'))).status).toBe(303);

  await owner.submit('/auth/logout', {}, '/dashboard');
  const again = { ...form, _csrf: await owner.csrfTokenOf('/auth/login') };
  expect((await owner.post('/auth/login', again, from('2001:db8:1:99::1'))).status).toBe(303);
});

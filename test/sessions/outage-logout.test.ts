import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unavailable } from '../../src/errors.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

describe('a logout while the session store is away', () => {
  let server: TestServer;
  let visitor: Visitor;
  let other: Visitor;

  beforeEach(async () => {
    server = await startTestServer();
    visitor = createVisitor(server.origin);
    other = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    await signIn(other);
    const { activeStore } = server.infrastructure.sessionStorage;
    vi.spyOn(activeStore, 'get').mockImplementation((_sid, callback) =>
      callback(unavailable('The session store')),
    );
  });
  afterEach(() => server.close());

  const storeIsBack = () => vi.restoreAllMocks();
  const logOut = (fields: Readonly<Record<string, string>>) =>
    visitor.post('/auth/logout', fields, { Origin: server.origin });

  it.each(['', 'no', 'false', '0'])(
    'is stored for this device where everywhere is %j',
    async (everywhere) => {
      const answer = await logOut({ everywhere });
      expect(answer.status).toBe(503);
      expect(answer.text).toContain('The revocation is stored');
      storeIsBack();
      expect((await visitor.get('/sessions')).status).toBe(303);
      expect((await other.get('/sessions')).status).toBe(200);
    },
  );

  it('is understood in JSON as well', async () => {
    const answer = await fetch(`${server.origin}/auth/logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: `curfew=${visitor.sessionCookie()}` },
      body: JSON.stringify({ everywhere: true }),
    });
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('The revocation is stored');
  });

  it('is not said to be stored for all devices', async () => {
    const answer = await logOut({ everywhere: 'on' });
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain('The revocation is stored');
    storeIsBack();
    for (const each of [visitor, other]) expect((await each.get('/sessions')).status).toBe(200);
  });
});

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn } from '../support/visitor.ts';

interface Reply {
  readonly status: number;
  readonly allow: string | undefined;
  readonly location: string | undefined;
  readonly cookie: unknown;
}

describe('which methods an address takes', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await setUp(createVisitor(server.origin));
  });
  afterAll(() => server.close());

  function ask(method: string, path: string, headers = {}): Promise<Reply> {
    const { hostname, port } = new URL(server.origin);
    return new Promise((resolve, reject) => {
      request({ hostname, port, method, path, headers }, (answer) => {
        answer.resume();
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            allow: answer.headers.allow,
            location: answer.headers.location,
            cookie: answer.headers['set-cookie'],
          }),
        );
      })
        .on('error', reject)
        .end();
    });
  }

  test.each([
    ['*', 'GET, HEAD, POST, OPTIONS'],
    ['/dashboard', 'GET, HEAD'],
    ['/auth/logout', 'GET, HEAD, POST'],
    ['/auth/login', 'GET, HEAD, POST'],
    ['/security/bans', 'GET, HEAD, POST'],
    ['/sessions/revocation', 'POST'],
    ['/assets/curfew.css', 'GET, HEAD'],
    ['/healthz', 'GET, HEAD'],
    ['/api/v1/session', 'GET, HEAD'],
    ['/csp-reports', 'POST'],
  ])('is said of %s to whoever asks, without a session', async (path, allow) => {
    expect(await ask('OPTIONS', path)).toEqual({
      status: 204,
      allow,
      location: undefined,
      cookie: undefined,
    });
  });

  test('is not said of an address that there is not', async () => {
    expect((await ask('OPTIONS', '/nothing')).status).toBe(404);
    expect((await ask('OPTIONS', '/api/v1/nothing')).status).toBe(404);
  });

  test('is asked without it being a use of the session, or a change of anything', async () => {
    const visitor = createVisitor(server.origin);
    await signIn(visitor);
    const cookie = `curfew=${visitor.sessionCookie()}`;
    expect((await ask('OPTIONS', '/auth/logout', { cookie })).status).toBe(204);
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('is said where %s came to a file', async (method) => {
    for (const path of ['/assets/curfew.css', '/assets/nothing'])
      expect(await ask(method, path)).toMatchObject({ status: 405, allow: 'GET, HEAD' });
  });

  test('is said where a page was asked for with a method that it has not', async () => {
    const visitor = createVisitor(server.origin);
    await signIn(visitor);
    const cookie = `curfew=${visitor.sessionCookie()}`;
    // Without the form's token, which counts first.
    expect((await ask('DELETE', '/dashboard', { cookie })).status).toBe(403);
    expect((await ask('POST', '/healthz')).allow).toBe('GET, HEAD');
  });
});

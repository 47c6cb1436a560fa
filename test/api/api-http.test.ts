import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type ApiClient, createApiClient, makeKey } from './api-client.ts';

const CHARTS = 'https://charts.example.com';

describe('the API as HTTP', () => {
  let server: TestServer;
  let owner: Visitor;
  let client: ApiClient;
  let anybody: ApiClient;

  beforeAll(async () => {
    server = await startTestServer({
      env: { CORS_ORIGINS: `${CHARTS},http://localhost:3000`, API_RATE_LIMIT: '1000/minute' },
    });
    owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
    client = createApiClient(server.origin, (await makeKey(owner)).key);
    anybody = createApiClient(server.origin, undefined);
  });
  afterAll(() => server.close());

  test('answers programs without a session, a cookie or a copy that a cache might keep', async () => {
    const answer = await client.ask('/api/v1/session');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test('what is not there is 404 in JSON, whatever was asked for and how', async () => {
    for (const path of [
      '/api/',
      '/api/v1',
      '/api/v1/',
      '/api/v2/session',
      '/api/v1/nothing',
      '/api/v1/session/x',
    ]) {
      if (path === '/api/') continue;
      for (const accept of ['text/html', '*/*']) {
        const answer = await client.ask(path, { headers: { Accept: accept } });
        expect([path, answer.status, answer.body.error]).toEqual([path, 404, 'not_found']);
      }
    }
    const posted = await anybody.ask('/api/v1/nothing', { method: 'POST', body: '{', headers: JSON_TYPE });
    expect(posted.status).toBeGreaterThanOrEqual(400);
    expect(posted.body.status).toBe('error');
  });

  test('another letter case is another address, which is guarded', async () => {
    expect((await client.ask('/API/v1/session', { headers: { Accept: '*/*' } })).body.error).toBe(
      'login_required',
    );
  });

  test('other methods are refused with what is allowed, before any key is looked at', async () => {
    for (const path of ['/api/v1/session', '/api/v1/signals', '/api/v1/openapi.json', '/api']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await anybody.ask(path, { method, headers: { Accept: 'application/json' } });
        expect(answer).toMatchObject({ status: 405, body: { error: 'method_not_allowed' } });
        expect(answer.headers.get('allow')).toBe('GET, HEAD');
      }
    }
  });

  test('HEAD says what GET would, without the body', async () => {
    const head = await client.ask('/api/v1/strategies', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers.get('ratelimit')).not.toBeNull();
    expect((await anybody.ask('/api/v1/strategies', { method: 'HEAD' })).status).toBe(401);
  });

  test('OPTIONS without an origin says what is allowed', async () => {
    const answer = await anybody.ask('/api/v1/session', { method: 'OPTIONS' });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a page of an allowed origin may ask, and read what it needs', async () => {
    const headers = { Origin: CHARTS };
    const answer = await client.ask('/api/v1/session', { headers });
    expect(answer.headers.get('access-control-allow-origin')).toBe(CHARTS);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('access-control-expose-headers')).toContain('RateLimit');
    expect(answer.headers.get('vary')).toContain('Origin');
    const refused = await anybody.ask('/api/v1/session', { headers });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(CHARTS);
  });

  test('a preflight is answered without a key', async () => {
    const answer = await preflight(server.origin, CHARTS);
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': CHARTS,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': 'Authorization, Content-Type, X-API-Key',
      'access-control-max-age': '600',
    });
  });

  test.each([
    'https://charts.example.com.evil.example',
    'https://evil.example',
    'http://charts.example.com',
    'https://charts.example.com:8443',
    'https://CHARTS.example.com',
    'null',
    '*',
  ])('a page of %s may not', async (origin) => {
    const answer = await client.ask('/api/v1/session', { headers: { Origin: origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('vary')).toContain('Origin');
    expect((await preflight(server.origin, origin)).headers['access-control-allow-origin']).toBeUndefined();
  });

  test('pages of the server itself are not opened to other origins', async () => {
    const answer = await anybody.ask('/auth/login', { headers: { Origin: CHARTS, Accept: 'text/html' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('the document and the symbols need not be sent twice', async () => {
    for (const [asking, path] of [
      [anybody, '/api/v1/openapi.json'],
      [client, '/api/v1/symbols?q=infy'],
    ] as const) {
      const first = await asking.ask(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[\w-]{43}"$/);
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      const headers = { 'If-None-Match': etag };
      expect(await asking.ask(path, { headers })).toMatchObject({ status: 304, text: '' });
      expect((await asking.ask(path, { headers: { 'If-None-Match': '"x"' } })).status).toBe(200);
    }
    // Not without a key, whatever the client has already.
    const etag = (await client.ask('/api/v1/symbols?q=infy')).headers.get('etag') ?? '';
    expect((await anybody.ask('/api/v1/symbols?q=infy', { headers: { 'If-None-Match': etag } })).status).toBe(
      401,
    );
  });

  test('an input that is wrong is named', async () => {
    const asked = async (path: string) => (await client.ask(`/api/v1${path}`)).body;
    expect(await asked('/signals?after=-1')).toMatchObject({ error: 'invalid', fields: { after: /after/ } });
    for (const [path, field] of [
      ['/signals?after=x', 'after'],
      ['/signals?after=1.5', 'after'],
      ['/signals?after=1&after=2', 'after'],
      ['/signals?wait=26', 'wait'],
      ['/signals?limit=0', 'limit'],
      ['/symbols?limit=101', 'limit'],
      ['/symbols?page=0', 'page'],
      [`/symbols?q=${'x'.repeat(101)}`, 'q'],
      ['/session?exchnage=NSE', 'exchnage'],
      ['/session?__proto__=1', '__proto__'],
      [`/broker/${'x'.repeat(41)}/token`, 'broker'],
      ['/broker/%00/token', 'broker'],
      ['/symbols?q=%00', 'q'],
      ['/symbols/NSE/a%0ab', 'symbol'],
    ] as const) {
      const { error, fields } = await asked(path);
      expect([path, error, Object.keys(fields ?? {})]).toEqual([path, 'invalid', [field]]);
    }
    expect((await client.ask('/api/v1/symbols/NSE/%E0%A4%A')).status).toBe(400);
  });
});

describe('how often a key may ask', () => {
  test('is said in the standard headers, and the end of it with Retry-After', async () => {
    const server = await startTestServer({ env: { API_RATE_LIMIT: '2/minute,5/hour' } });
    const owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
    const one = createApiClient(server.origin, (await makeKey(owner)).key);
    const two = createApiClient(server.origin, (await makeKey(owner)).key);

    const first = await one.ask('/api/v1/session');
    expect(first.headers.get('ratelimit-policy')).toBe('"2/minute";q=2;w=60, "5/hour";q=5;w=3600');
    expect(first.headers.get('ratelimit')).toBe('"2/minute";r=1;t=60, "5/hour";r=4;t=3600');
    await one.ask('/api/v1/session');
    const refused = await one.ask('/api/v1/session');
    expect(refused).toMatchObject({ status: 429, body: { error: 'rate_limited' } });
    expect(refused.headers.get('ratelimit')).toMatch(/^"2\/minute";r=0;t=\d+, "5\/hour";r=3;t=\d+$/);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(50);
    expect(retryAfter).toBeLessThanOrEqual(60);
    // Each key by itself.
    expect((await two.ask('/api/v1/session')).status).toBe(200);
    await server.close();
  });

  test('is limited for all keys of a person together, and another person is not kept waiting', async () => {
    const server = await startTestServer({
      env: { API_RATE_LIMIT: '3/minute', API_USER_RATE_LIMIT: '4/minute' },
    });
    const owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
    const ask = async (key: string) => createApiClient(server.origin, key).ask('/api/v1/session');
    const [one, two] = [(await makeKey(owner)).key, (await makeKey(owner)).key];
    for (const key of [one, one, two, two]) expect((await ask(key)).status).toBe(200);
    const refused = await ask(two);
    expect(refused).toMatchObject({ status: 429, body: { error: 'rate_limited' } });
    expect(refused.body.message).toMatch(/keys of one person/);
    expect(refused.headers.get('ratelimit-policy')).toBe('"4/minute";q=4;w=60');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);

    await server.services.accounts.userAdmin.create({ ...SOMEONE_ELSE, role: 'user' }, { actor: 'test' });
    const other = createVisitor(server.origin);
    await signIn(other, SOMEONE_ELSE);
    expect((await ask((await makeKey(other)).key)).status).toBe(200);
    await server.close();
  });

  test('is counted for all nodes together where there is Redis', async () => {
    const env = {
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
      API_RATE_LIMIT: '3/minute',
    };
    const [a, b] = await Promise.all([startTestServer({ env }), startTestServer({ env })]);
    const owner = createVisitor(a.origin);
    await setUp(owner);
    await signIn(owner);
    const { key } = await makeKey(owner);
    const statuses: number[] = [];
    for (const { origin } of [a, b, a, b, a])
      statuses.push((await createApiClient(origin, key).ask('/api/v1/session')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    await Promise.all([a.close(), b.close()]);
  });
});

const SOMEONE_ELSE = {
  username: 'ravi',
  password: 'long-quiet-evening-77',
  email: 'ravi@example.org',
} as const;

const JSON_TYPE = { 'Content-Type': 'application/json' };

interface Preflight {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** As a browser asks; `fetch` may not set these headers. */
function preflight(origin: string, from: string): Promise<Preflight> {
  const headers = {
    Origin: from,
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'authorization',
  };
  return new Promise((resolve, reject) => {
    request(`${origin}/api/v1/session`, { method: 'OPTIONS', headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, headers: response.headers });
    })
      .once('error', reject)
      .end();
  });
}

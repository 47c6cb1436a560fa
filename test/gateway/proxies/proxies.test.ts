import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import { eventually } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { createVisitor, signIn } from '../../support/visitor.ts';
import { CONFUSING_PATHS } from '../confusing-paths.ts';
import { CLAIMED, HOP_BY_HOP, SPELLINGS } from './header-spellings.ts';
import {
  ADMIN,
  cookieOf,
  grafanaAt,
  notebookAt,
  openProxiedDesk,
  type ProxiedDesk,
  TRADER,
  VIEWER,
} from './proxied-desk.ts';
import { type RawAnswer, requestOf, sendRaw } from './raw-request.ts';
import { type RealProxy, startHaproxy, startNginx } from './real-proxies.ts';
import { requestLinesIn, SMUGGLED_PATH, smuggledRequests } from './smuggled-requests.ts';
import { readAsTools } from './tool-readings.ts';

/** A trading day for each proxy: the clock never goes back. */
const DAYS = {
  nginx: { start: '2026-11-26T10:00:00+05:30', cutoff: '2026-11-27T03:00:00+05:30' },
  Caddy: { start: '2026-11-27T10:00:00+05:30', cutoff: '2026-11-28T03:00:00+05:30' },
  HAProxy: { start: '2026-11-28T10:00:00+05:30', cutoff: '2026-11-29T03:00:00+05:30' },
} as const;
const PAGE = ['Accept: text/html', 'Sec-Fetch-Mode: navigate'];
const SCRIPT = ['Accept: */*', 'Sec-Fetch-Mode: cors'];

/** For bytes after which a proxy may wait for more. */
const PATIENCE_MS = 1200;

let desk: ProxiedDesk;
let clock: SettableClock;
let redis: RedisServer;

beforeAll(async () => {
  clock = createSettableClock(DAYS.nginx.start);
  redis = await startRedis();
  desk = await openProxiedDesk({ clock, jobs: true, env: { REDIS_URL: redis.url } });
});
afterAll(async () => {
  await desk.close();
  await redis.stop();
});
beforeEach(() => desk.tool.forget());

describe.each(['nginx', 'Caddy', 'HAProxy'] as const)('%s, configured as docs/gateway.md says,', (name) => {
  const { start, cutoff } = DAYS[name];
  let proxy: RealProxy;
  let admin: string;
  let trader: string;
  let viewer: string;

  beforeAll(async () => {
    clock.set(start);
    const found = desk.proxies.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} does not run`);
    proxy = found;
    [admin, trader, viewer] = await Promise.all([
      cookieOf(desk, ADMIN),
      cookieOf(desk, TRADER),
      cookieOf(desk, VIEWER),
    ]);
  });

  interface Asking {
    readonly cookie?: string;
    readonly headers?: readonly string[];
    readonly method?: string;
    readonly host?: string;
  }

  const ask = (
    path: string,
    { cookie, headers = PAGE, method = 'GET', host = notebookAt(proxy) }: Asking = {},
  ) =>
    sendRaw(
      proxy.port,
      requestOf(path, host, {
        method,
        headers: [...headers, ...(cookie === undefined ? [] : [`Cookie: ${cookie}`])],
      }),
    );

  const statusOf = async (path: string, asking?: Asking): Promise<number> => (await ask(path, asking)).status;

  it('lets a user through, tells the tool who asks, and keeps the session and keys from it', async () => {
    const answer = await ask('/a%2Fb/page?x=1&y=%20', {
      cookie: `theme=dark; ${admin}; curfew=older; other=1`,
    });
    expect(answer.status).toBe(200);
    const [request] = desk.tool.requests;
    expect(request?.url).toBe('/a%2Fb/page?x=1&y=%20');
    expect(request?.header('host')).toBe(notebookAt(proxy));
    expect(request?.header('cookie')).toBe('theme=dark; other=1');
    expect(request?.header('remote-user')).toBe(ADMIN.username);
    expect(request?.header('remote-groups')).toBe('admin');
    expect(request?.header('remote-email')).toBe(ADMIN.email);
    expect(request?.header('x-curfew-session-ends')).toBe(String(Date.parse(cutoff) / 1000));
    const { body } = await createVisitor(desk.curfew.origin).get('/.well-known/jwks.json');
    const { payload } = await jwtVerify(
      request?.header('x-curfew-identity') ?? '',
      createLocalJWKSet(body as JSONWebKeySet),
      {
        audience: `http://${notebookAt(proxy)}`,
        issuer: desk.curfew.origin,
        currentDate: new Date(clock.now()),
      },
    );
    expect(payload).toMatchObject({ preferred_username: ADMIN.username, groups: ['admin'] });
    expect(answer.text.toLowerCase()).not.toMatch(/^(?:remote-|x-curfew)/m);
  });

  it('leaves nothing of a header that had nothing but the session', async () => {
    await ask('/page', { cookie: admin });
    expect(desk.tool.requests[0]?.header('cookie') ?? '').toBe('');
  });

  it('passes bodies on, and none of a request that is refused', async () => {
    const host = notebookAt(proxy);
    const post = (cookie: string, body: string): Promise<RawAnswer> =>
      sendRaw(
        proxy.port,
        requestOf('/echo', host, {
          method: 'POST',
          headers: [`Cookie: ${cookie}`, `Content-Length: ${body.length}`],
        }) + body,
      );
    const large = 'x'.repeat(300_000);
    expect((await post(trader, large)).text.endsWith(large)).toBe(true);
    desk.tool.forget();
    expect((await post('curfew=none', large)).status).toBe(401);
    expect(desk.tool.requests).toEqual([]);
  });

  it('leads a stranger who wants a page to the sign-in page, and answers scripts and sockets with 401', async () => {
    const page = await ask('/lab?x=1');
    expect(page.status).toBe(303);
    const back = encodeURIComponent(
      `/gateway/return?to=${encodeURIComponent(`http://${notebookAt(proxy)}/lab?x=1`)}`,
    );
    expect(page.text).toMatch(/^cache-control: no-store/im);
    expect(/^location: (\S+)/im.exec(page.text)?.[1]).toBe(
      `${desk.curfew.origin}/auth/login?reason=login_required&returnTo=${back}`,
    );
    expect(await statusOf('/lab', { headers: ['Accept: text/html,*/*;q=0.8'] })).toBe(303);

    const script = await ask('/data', { headers: SCRIPT });
    expect(script.status).toBe(401);
    expect(script.text).toMatch(/^content-type: application\/json/im);
    const json = JSON.parse(script.text.slice(script.text.indexOf('{'))) as Record<string, unknown>;
    expect(json).toMatchObject({ status: 'error', error: 'login_required' });
    expect(json['location']).toContain('/auth/login?reason=login_required');

    expect(await statusOf('/data', { headers: ['Accept: application/json'] })).toBe(401);
    expect(await statusOf('/data', { headers: ['X-Requested-With: x', 'Accept: text/html'] })).toBe(401);
    expect(await statusOf('/form', { method: 'POST', headers: SCRIPT })).toBe(401);
    const socket = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    expect(await statusOf('/socket', { headers: [...socket, 'Sec-Fetch-Mode: websocket'] })).toBe(401);
    expect(await statusOf('/socket', { headers: [...socket, 'Accept: text/html'] })).toBe(401);
    expect(desk.tool.requests).toEqual([]);
  });

  it('lets through by role, person and method', async () => {
    const of = async (path: string, method = 'GET'): Promise<readonly number[]> =>
      Promise.all([admin, trader, viewer].map((cookie) => statusOf(path, { cookie, method })));
    expect(await of('/')).toEqual([200, 200, 200]);
    expect(await of('/admin/users')).toEqual([200, 403, 403]);
    expect(await of('/trade')).toEqual([200, 200, 403]);
    expect(await of('/read/x')).toEqual([200, 200, 200]);
    expect(await of('/read/x', 'DELETE')).toEqual([403, 403, 403]);
    expect(await statusOf('/public/x')).toBe(200);
    expect(await statusOf('/public/x', { cookie: viewer })).toBe(200);
    expect(await statusOf('/', { cookie: admin, host: grafanaAt(proxy) })).toBe(200);
    expect(await statusOf('/', { cookie: trader, host: grafanaAt(proxy) })).toBe(403);
    const refused = await ask('/admin', { cookie: viewer, headers: SCRIPT });
    expect(refused.text).toContain('"error":"forbidden"');
  });

  it('asks for a fresh password where the rule does', async () => {
    expect(await statusOf('/orders', { cookie: trader })).toBe(200);
    clock.advance(10 * MINUTE_MS);
    const page = await ask('/orders?id=7', { cookie: trader });
    expect(page.status).toBe(303);
    expect(/^location: (\S+)/im.exec(page.text)?.[1]).toMatch(/\/auth\/confirm\?returnTo=/);
    const script = await ask('/orders', { cookie: trader, headers: SCRIPT });
    expect(script.status).toBe(403);
    expect(script.text).toContain('/auth/confirm');
    expect(await statusOf('/', { cookie: trader })).toBe(200);
  });

  it('lets a program in by its API key, which the tool does not get', async () => {
    const { api, users } = desk.curfew.services;
    const owner = await users.findByUsername(TRADER.username);
    const made = await api.apiKeys.create(
      owner?.id ?? '',
      {
        name: `program of ${name}`,
        scopes: ['gateway:access'],
        addresses: { primary: undefined, secondary: undefined },
        expiresAt: undefined,
      },
      { actor: 'test' },
    );
    if (made.kind !== 'created') throw new Error(made.kind);
    for (const header of [
      `Authorization: Bearer ${made.secret}`,
      `authorization: bearer  ${made.secret}`,
      `X-API-Key: ${made.secret}`,
    ]) {
      desk.tool.forget();
      expect(await statusOf('/data', { headers: [...SCRIPT, header] }), header).toBe(200);
      const [request] = desk.tool.requests;
      expect(request?.header('remote-user')).toBe(TRADER.username);
      expect(request?.header('x-curfew-session-ends') ?? '').toBe('');
      expect(request?.rawHeaders.join('\n')).not.toContain(made.secret);
    }
    expect(await statusOf('/orders', { headers: [...SCRIPT, `X-API-Key: ${made.secret}`] })).toBe(403);
    expect(await statusOf('/data', { headers: [...SCRIPT, `X-API-Key: ${made.secret}x`] })).toBe(401);

    desk.tool.forget();
    const own = ['Authorization: Basic dG9vbDpzZWNyZXQ=', 'X-API-Key: of-the-tool'];
    expect(await statusOf('/data', { cookie: trader, headers: [...SCRIPT, ...own] })).toBe(200);
    expect(desk.tool.requests[0]?.header('authorization')).toBe('Basic dG9vbDpzZWNyZXQ=');
    expect(desk.tool.requests[0]?.header('x-api-key')).toBe('of-the-tool');
  });

  it('keeps identity headers of the client from the tool, in whatever spelling', async () => {
    expect(Object.keys(SPELLINGS).length).toBeGreaterThan(20);
    await Promise.all(
      Object.values(SPELLINGS).flatMap((headers) => [
        ask('/public/x', { headers }),
        ask('/x', { headers, cookie: viewer }),
        ask('/x', { headers: [...headers, `Connection: ${HOP_BY_HOP}`], cookie: viewer }),
      ]),
    );
    expect(desk.tool.requests.length).toBeGreaterThan(Object.keys(SPELLINGS).length);
    for (const { url, rawHeaders, header } of desk.tool.requests) {
      for (const [index, value] of rawHeaders.entries()) {
        // A folded line may become a part of the value in front of it, under that one's name.
        const isElsewhere = rawHeaders[index - 1]?.toLowerCase() === 'x-other';
        if (value.includes(CLAIMED) && !isElsewhere)
          expect.fail(`${url} came with ${rawHeaders[index - 1]}: ${value}`);
      }
      const users = rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'remote-user');
      expect(users).toEqual(url === '/x' ? [VIEWER.username] : []);
      if (url === '/x') expect(header('remote-groups')).toBe('viewer');
    }
  });

  it('asks about the tool that the request reaches, whatever it calls it', async () => {
    const [notebook, grafana] = [notebookAt(proxy), grafanaAt(proxy)];
    const target = '/';
    const disguises = [
      `GET http://${grafana}${target} HTTP/1.1\r\nHost: ${notebook}`,
      `GET http://${notebook}${target} HTTP/1.1\r\nHost: ${grafana}`,
      `GET ${target} HTTP/1.1\r\nHost: ${notebook}\r\nHost: ${grafana}`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana}\r\nHost: ${notebook}`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana}, ${notebook}`,
      `GET ${target} HTTP/1.1\r\nHost: ${notebook}, ${grafana}`,
      `GET ${target} HTTP/1.1\r\nHost: ${notebook}#${grafana}`,
      `GET ${target} HTTP/1.1\r\nHost: ${notebook}@${grafana}`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana.toUpperCase()}`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana.replace(':', '.:')}`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana}\r\nX-Forwarded-Host: ${notebook}`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana}\r\nX-Original-URL: http://${notebook}/`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana}\r\nX-Forwarded-Uri: /public`,
      `GET ${target} HTTP/1.1\r\nHost: ${grafana}\r\nForwarded: host=${notebook}`,
      `GET ${target} HTTP/1.1\r\nHost: unknown.test`,
      `GET ${target} HTTP/1.1\r\nHost: `,
      `GET ${target} HTTP/1.1`,
      `GET ${target} HTTP/1.0`,
      `OPTIONS * HTTP/1.1\r\nHost: ${grafana}`,
      `CONNECT ${grafana} HTTP/1.1\r\nHost: ${grafana}`,
    ];
    const send = (lines: string, cookie: string): Promise<RawAnswer> =>
      sendRaw(proxy.port, `${lines}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`);
    await Promise.all(disguises.map((lines) => send(lines, trader)));
    const [notebookPort, grafanaPort] = desk.tool.ports;
    expect(desk.tool.requests.filter(({ port }) => port === grafanaPort)).toEqual([]);
    await Promise.all(disguises.map((lines) => send(lines, admin)));
    expect(new Set(desk.tool.requests.map(({ port }) => port))).toEqual(new Set(desk.tool.ports));
    for (const { port, header } of desk.tool.requests)
      expect(decodeJwt(header('x-curfew-identity') ?? '').aud).toBe(
        `http://${port === notebookPort ? notebook : grafana}`,
      );
  });

  it('never lets a path through that a tool could read as one under another rule', async () => {
    const marked = CONFUSING_PATHS.flatMap((path) => [
      { path, cookie: undefined },
      { path, cookie: trader },
    ]);
    expect(CONFUSING_PATHS.length).toBeGreaterThanOrEqual(60);
    await Promise.all(marked.map(({ path, cookie }) => ask(path, cookie === undefined ? {} : { cookie })));
    for (const { url } of desk.tool.requests)
      for (const [reader, path] of Object.entries(readAsTools(url)))
        expect(path, `${url}, read by a tool: ${reader}`).not.toMatch(/^\/admin(?:\/|$)/);
    desk.tool.forget();
    const honest = [
      '/public/a%2Fb.css',
      '/public/report%202026.pdf',
      '/files/a%2Fb.ipynb',
      '/d/%E0%A4%A8',
      '/a;v=1/b',
    ];
    for (const path of honest) expect(await statusOf(path, { cookie: trader }), path).toBe(200);
    expect(desk.tool.requests.map(({ url }) => url)).toEqual(honest);
  });

  it('lets no second request through that hides in the first', async () => {
    const pairs = Object.values(smuggledRequests(notebookAt(proxy), '/public/echo'));
    await Promise.all(pairs.map((bytes) => sendRaw(proxy.port, Buffer.from(bytes, 'latin1'), PATIENCE_MS)));
    const seen = [
      ...desk.tool.requests.map(({ method, url }) => `${method} ${url}`),
      ...desk.tool.connections().flatMap((bytes) => requestLinesIn(bytes, 'length')),
      ...desk.tool.connections().flatMap((bytes) => requestLinesIn(bytes, 'chunks')),
    ];
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((line) => line.includes(SMUGGLED_PATH))).toEqual([]);
    // No answer waits on a connection for the next request that is sent over it.
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const body = `of request ${index}.`;
        const headers = [`Content-Length: ${body.length}`];
        const bytes = requestOf('/public/echo', notebookAt(proxy), { method: 'POST', headers }) + body;
        return (await sendRaw(proxy.port, bytes)).text.endsWith(`\r\n\r\n${body}`);
      }),
    );
    expect(answers.filter((isOwn) => !isOwn)).toEqual([]);
  });

  it('upgrades to WebSocket alone', async () => {
    for (const upgrade of ['h2c', 'websocket, h2c', 'h2c, websocket', 'TLS/1.2']) {
      desk.tool.forget();
      await ask('/public/x', {
        headers: [
          'Connection: Upgrade, HTTP2-Settings',
          `Upgrade: ${upgrade}`,
          'HTTP2-Settings: AAMAAABkAAQAAP__',
        ],
      });
      for (const { header } of desk.tool.requests) expect(header('upgrade'), upgrade).toBeUndefined();
    }
  });

  it('carries sockets and event streams, which stay open after the session has ended', async () => {
    const origin = `127.0.0.1:${proxy.port}`;
    const headers = { Host: notebookAt(proxy), Cookie: await cookieOf(desk, VIEWER) };
    const socket = new WebSocket(`ws://${origin}/socket`, { headers });
    await once(socket, 'open');
    const echoed = once(socket, 'message');
    socket.send('hello');
    expect(String((await echoed)[0])).toBe('echo of hello');
    const streamed: string[] = [];
    const stream = get(`http://${origin}/events`, { headers }, (answer) =>
      answer.on('data', (part: Buffer) => void streamed.push(part.toString())),
    );
    stream.on('error', () => undefined);
    await eventually(() => expect(streamed.join('')).toContain('data: tick 2'));

    clock.set(cutoff);
    const refused = await ask('/', { cookie: headers.Cookie });
    expect(refused.status).toBe(303);
    expect(refused.text).toContain('/auth/login?reason=cutoff');
    const script = await ask('/data', { cookie: headers.Cookie, headers: SCRIPT });
    expect([script.status, script.text.includes('"session_expired"')]).toEqual([401, true]);
    // As docs/gateway.md says: a proxy asks when a request begins, and never again.
    const again = once(socket, 'message');
    socket.send('still here');
    expect(String((await again)[0])).toBe('echo of still here');
    expect(desk.tool.countOpen()).toBe(2);
    stream.destroy();
    socket.close();
    await eventually(() => expect(desk.tool.countOpen()).toBe(0));
  });

  it('refuses a banned address, and a user who has signed out', async () => {
    const client = `X-Test-Client: 203.0.113.${desk.proxies.indexOf(proxy) + 1}`;
    expect(await statusOf('/public/x', { headers: [...PAGE, client] })).toBe(200);
    const subject = client.replace(/.* /, '');
    await desk.curfew.services.bans.bans.ban({ subject, note: '', length: '24h' }, { actor: 'test' });
    desk.tool.forget();
    for (const headers of [PAGE, SCRIPT]) {
      const answer = await ask('/public/x', { headers: [...headers, client] });
      expect(answer.status).toBe(403);
      if (headers === SCRIPT) expect(answer.text).toContain('"error":"banned"');
    }
    expect(desk.tool.requests).toEqual([]);

    const leaving = createVisitor(desk.curfew.origin);
    await signIn(leaving, VIEWER);
    const cookie = `curfew=${leaving.sessionCookie()}`;
    expect(await statusOf('/', { cookie })).toBe(200);
    await leaving.submit('/auth/logout');
    expect(await statusOf('/', { cookie })).toBe(303);
  });

  it('keeps /authz for itself, and everything else of Curfew open', async () => {
    const host = `curfew.desk.test:${proxy.port}`;
    expect(await statusOf('/healthz', { host })).toBe(200);
    for (const path of ['/authz/nginx', '/authz/forward', '/authz/ext/x'])
      expect(await statusOf(path, { host, cookie: admin }), path).toBe(404);
  });
});

describe('The readers of these tests', () => {
  it('find the request that hides, the one where the other does not', () => {
    const pairs = smuggledRequests('notebook.desk.test', '/public/echo');
    const finds = (name: string): readonly boolean[] =>
      (['length', 'chunks'] as const).map((preference) =>
        requestLinesIn(Buffer.from(pairs[name] ?? '', 'latin1'), preference).some((line) =>
          line.includes(SMUGGLED_PATH),
        ),
      );
    expect(finds('chunked, by length')).toEqual([false, true]);
    expect(finds('chunked, by chunks')).toEqual([true, false]);
    expect(finds('no length')).toEqual([true, true]);
    expect(Object.keys(pairs).length).toBeGreaterThan(60);
  });
});

describe('While the store does not answer', () => {
  it('no request passes any proxy, scripts are told to come back, and nginx is answered so that it makes no 500 of it', async () => {
    const cookie = `Cookie: ${await cookieOf(desk, TRADER)}`;
    const askAll = (headers: readonly string[]): Promise<readonly RawAnswer[]> =>
      Promise.all(
        desk.proxies.map((proxy) => sendRaw(proxy.port, requestOf('/x', notebookAt(proxy), { headers }))),
      );
    expect((await askAll([...SCRIPT, cookie])).map(({ status }) => status)).toEqual([200, 200, 200]);
    desk.tool.forget();
    redis.pause();
    try {
      for (const headers of [SCRIPT, PAGE]) {
        const answers = await askAll([...headers, cookie]);
        expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
        for (const { text } of answers) expect(text).toMatch(/^retry-after: \d+/im);
      }
    } finally {
      redis.resume();
    }
    expect(desk.tool.requests).toEqual([]);
    await eventually(async () =>
      expect((await askAll([...SCRIPT, cookie])).map(({ status }) => status)).toEqual([200, 200, 200]),
    );
    const nginx = desk.proxies.find(({ name }) => name === 'nginx');
    expect(nginx?.log()).not.toMatch(/auth request unexpected status|" 500 /);
  });
});

describe('Without Curfew', () => {
  it('no request passes any proxy', async () => {
    const askAll = (path: string, headers: readonly string[]): Promise<readonly number[]> =>
      Promise.all(
        desk.proxies.map(
          async (proxy) =>
            (await sendRaw(proxy.port, requestOf(path, notebookAt(proxy), { headers }))).status,
        ),
      );
    await desk.stopCurfew();
    const asked = [SCRIPT, PAGE].flatMap((headers) =>
      ['/x', '/public/x'].map((path) => askAll(path, headers)),
    );
    for (const statuses of await Promise.all(asked)) expect(statuses).toEqual([503, 502, 503]);
    const haproxy = desk.proxies.find(({ name }) => name === 'HAProxy');
    expect(haproxy?.log()).toContain('Curfew did not answer');
    expect(desk.tool.requests).toEqual([]);
  });
});

/** Of one question, over one connection after the other. */
const TRIES_OF_HAPROXY = 4;

describe('Connections that Curfew closes just when it is asked', () => {
  it('are no fault for HAProxy, which asks anew when it has tried them all', async () => {
    let questions = 0;
    const closing = createServer((req, res) => {
      questions += 1;
      if (questions <= TRIES_OF_HAPROXY) req.socket.destroy();
      else res.setHeader('X-Request-Id', 'x').end();
    });
    await once(closing.listen(0, '127.0.0.1'), 'listening');
    const curfewPort = (closing.address() as AddressInfo).port;
    const proxy = await startHaproxy({ curfewPort, toolPorts: desk.tool.ports });
    expect((await sendRaw(proxy.port, requestOf('/x', notebookAt(proxy)))).status).toBe(200);
    expect(questions).toBe(TRIES_OF_HAPROXY + 1);
    await proxy.stop();
    closing.close();
  });
});

describe('A user who asks too often', () => {
  it('is told so by nginx, which knows it from a header', async () => {
    const limited = await openProxiedDesk(
      { env: { GATEWAY_RATE_LIMIT: '2/minute' } },
      async (surroundings) => [await startNginx(surroundings)],
    );
    const [proxy] = limited.proxies;
    if (proxy === undefined) throw new Error('nginx does not run');
    const cookie = `Cookie: ${await cookieOf(limited, TRADER)}`;
    const ask = (headers: readonly string[]): Promise<RawAnswer> =>
      sendRaw(proxy.port, requestOf('/x', notebookAt(proxy), { headers: [...headers, cookie] }));
    await ask(SCRIPT);
    await ask(PAGE);
    for (const headers of [SCRIPT, PAGE]) {
      const answer = await ask(headers);
      expect(answer.status).toBe(429);
      expect(answer.text).toMatch(/^retry-after: \d+/im);
    }
    expect(limited.tool.requests).toHaveLength(2);
    await limited.close();
  });
});

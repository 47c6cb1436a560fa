import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { issueKey } from '../feed/issue-key.ts';
import { openInVain } from '../feed/socket-client.ts';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { ask, begin, cookieOf, openToolSocket, responseOf, TOOL_HOST } from './relay-client.ts';
import { DOWNLOAD_BYTES, startTool, type ToolServer } from './tool-server.ts';

const TOOL_ORIGIN = `http://${TOOL_HOST}`;

const rulesFor = (tool: string, ownHost: string): string => `rules:
  - { name: open, host: ${TOOL_HOST}, path: /open, who: public, upstream: "${tool}" }
  - { name: elsewhere, host: ${TOOL_HOST}, path: /elsewhere, who: signed-in }
  - { name: readers, host: ${TOOL_HOST}, path: /read, methods: [GET], who: signed-in, upstream: "${tool}" }
  - { name: ravi, host: ${TOOL_HOST}, path: /ravi, who: { people: [ravi] }, upstream: "${tool}" }
  - { name: tool, host: ${TOOL_HOST}, who: signed-in, upstream: "${tool}" }
  - { name: only, host: only.desk.test, path: /in, who: signed-in, upstream: "${tool}" }
  - { name: own, host: "${ownHost}", path: /grafana, who: signed-in, upstream: "${tool}" }
  - { name: gone, host: gone.desk.test, who: signed-in, upstream: "http://127.0.0.1:9" }
`;

describe('The relay', () => {
  let rules: RulesFile;
  let tool: ToolServer;
  let server: TestServer;
  let asha: Visitor;
  let cookie: string;
  let own: string;

  beforeAll(async () => {
    rules = createRulesFile();
    tool = await startTool();
    server = await startTestServer({ env: { GATEWAY_RULES: rules.path, TRUST_PROXY: '192.0.2.1' } });
    own = new URL(server.origin).host;
    rules.write(rulesFor(tool.origin, own));
    server.services.gateway.rules.load();
    asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    cookie = cookieOf(asha);
  });
  afterAll(async () => {
    await server.close();
    await tool.close();
    rules.remove();
  });

  const get = (path: string, headers = {}, host = TOOL_HOST) =>
    ask(server.origin, path, { host, headers: { cookie, ...headers } });
  const lastRequest = () => tool.requests.at(-1);

  it('passes a page on with the identity, and the answer as the tool gave it', async () => {
    const answer = await get('/page?x=1&y=%2F', { accept: 'text/html', cookie: `a=1; ${cookie}; b=2` });
    expect([answer.status, answer.message]).toEqual([200, 'Tool OK']);
    expect(Object.keys(answer.headers).toSorted()).toEqual([
      'connection',
      'content-type',
      'date',
      'transfer-encoding',
      'x-tool',
    ]);
    const { headers = {}, url } = lastRequest() ?? {};
    expect(url).toBe('/page?x=1&y=%2F');
    expect(headers).toMatchObject({
      host: TOOL_HOST,
      cookie: 'a=1; b=2',
      accept: 'text/html',
      'remote-user': 'asha',
      'remote-groups': 'admin',
      'remote-email': PERSON.email,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': TOOL_HOST,
      via: `1.1 ${own}`,
    });
    const { body } = await asha.get('/.well-known/jwks.json');
    const token = String(headers['x-curfew-identity']);
    const { payload } = await jwtVerify(token, createLocalJWKSet(body as JSONWebKeySet), {
      issuer: server.origin,
      audience: TOOL_ORIGIN,
    });
    expect(payload['preferred_username']).toBe('asha');
  });

  it('leads a stranger to the sign-in page, and a script nowhere', async () => {
    const page = await ask(server.origin, '/page?x=1', { headers: { accept: 'text/html' } });
    expect(page.status).toBe(303);
    const login = new URL(page.headers.location ?? '');
    expect(login.origin + login.pathname).toBe(`${server.origin}/auth/login`);
    expect(login.searchParams.get('returnTo')).toBe(
      `/gateway/return?to=${encodeURIComponent(`${TOOL_ORIGIN}/page?x=1`)}`,
    );
    const script = await ask(server.origin, '/page', { headers: { accept: 'application/json' } });
    expect([script.status, script.json['error']]).toEqual([401, 'login_required']);
    expect((await ask(server.origin, '/open/x')).status).toBe(200);
    expect(lastRequest()?.headers).not.toHaveProperty('remote-user');
  });

  it('follows the rules: the first counts, and none or one without a tool refuses', async () => {
    expect((await get('/ravi')).status).toBe(403);
    expect((await get('/read')).status).toBe(200);
    const elsewhere = await get('/elsewhere', { accept: 'text/html' });
    expect([elsewhere.status, elsewhere.text]).toEqual([403, expect.stringContaining('has no upstream')]);
    expect((await get('/out', {}, 'only.desk.test')).status).toBe(403);
    expect((await get('/in', {}, 'only.desk.test')).status).toBe(200);
    expect((await ask(server.origin, '/elsewhere')).status).toBe(403);
  });

  it('passes bodies of any kind on, both ways', async () => {
    const body = randomBytes(DOWNLOAD_BYTES);
    const sha256 = createHash('sha256').update(body).digest('hex');
    const form = { cookie, 'content-type': 'application/x-www-form-urlencoded' };
    const upload = await ask(server.origin, '/upload', {
      method: 'POST',
      headers: { ...form, 'content-length': body.length },
      body,
    });
    expect(upload.json['body']).toMatchObject({ bytes: DOWNLOAD_BYTES, sha256 });
    const chunked = await ask(server.origin, '/upload', {
      method: 'PUT',
      headers: { cookie, 'transfer-encoding': 'chunked' },
      body,
    });
    expect(chunked.json).toMatchObject({ method: 'PUT', body: { bytes: DOWNLOAD_BYTES, sha256 } });
    const download = await get('/download');
    expect(download.text).toHaveLength(DOWNLOAD_BYTES);
    expect(download.headers['content-length']).toBe(String(DOWNLOAD_BYTES));
    expect((await ask(server.origin, '/x', { method: 'HEAD', headers: { cookie } })).text).toBe('');
  });

  it.each(['GET', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'])(
    'keeps the frame of a body with %s',
    async (method) => {
      const begun = tool.requests.length;
      for (const framing of [{ 'content-length': 26 }, { 'transfer-encoding': 'chunked' }]) {
        const body = 'GET /smuggled HTTP/1.1\r\n\r\n';
        const headers = { cookie, ...framing, connection: 'close, content-length, transfer-encoding' };
        const answer = await ask(server.origin, '/framed', { method, headers, body });
        expect(answer.json).toMatchObject({ method, url: '/framed', body: { text: body } });
      }
      expect(tool.requests.slice(begun).map(({ url }) => url)).toEqual(['/framed', '/framed']);
    },
  );

  it('opens a connection for each request, and closes it behind the answer', async () => {
    tool.answer('/port', (req, res) => void res.end(String(req.socket.remotePort)));
    const ports = [await get('/port'), await get('/port')].map(({ text }) => text);
    expect(new Set(ports).size).toBe(2);
    await expect.poll(tool.countTcp).toBe(0);
  });

  it('passes events on as they come', async () => {
    const sent = begin(server.origin, '/events', { headers: { cookie, accept: 'text/event-stream' } });
    sent.end();
    const response = await responseOf(sent);
    expect(response.headers['content-type']).toBe('text/event-stream');
    const [first] = await once(response, 'data');
    expect(String(first)).toMatch(/^data: 1\n\n/);
    response.destroy();
    await expect.poll(tool.openConnections).toBe(0);
  });

  it('tells the client of an answer before its first byte', async () => {
    tool.answer('/silent', (_req, res) => void res.writeHead(200).flushHeaders());
    const sent = begin(server.origin, '/silent', { headers: { cookie } });
    sent.end();
    expect((await responseOf(sent)).statusCode).toBe(200);
    sent.destroy();
  });

  it('passes WebSockets on', async () => {
    const socket = await openToolSocket(server.origin, { Cookie: cookie, Origin: TOOL_ORIGIN });
    await expect.poll(() => socket.heard).toEqual(['hello']);
    socket.ws.send('price?');
    await expect.poll(() => socket.heard).toEqual(['hello', 'price?']);
    const large = 'x'.repeat(300_000);
    socket.ws.send(large);
    await expect.poll(() => socket.heard.at(-1)?.length).toBe(large.length);
    expect(lastRequest()?.headers).toMatchObject({
      upgrade: 'websocket',
      'remote-user': 'asha',
      origin: TOOL_ORIGIN,
    });
    expect(lastRequest()?.headers).not.toHaveProperty('cookie');
    expect(lastRequest()?.headers).not.toHaveProperty('accept');
    socket.ws.close(4000, 'done');
    expect(await socket.closed).toEqual({ code: 4000, reason: 'done' });
    await expect.poll(tool.openConnections).toBe(0);
    await expect.poll(() => server.services.sockets.size).toBe(0);
  });

  it('ends a WebSocket that the tool closes, with the tool’s code', async () => {
    const socket = await openToolSocket(server.origin, { Cookie: cookie, Origin: TOOL_ORIGIN });
    for (const ws of tool.sockets) ws.close(4321, 'bye');
    expect(await socket.closed).toEqual({ code: 4321, reason: 'bye' });
    await expect.poll(() => server.services.sockets.size).toBe(0);
  });

  it('answers a handshake that the tool refuses as the tool does', async () => {
    const refusal = await openInVain(
      server.origin,
      { Host: TOOL_HOST, Cookie: cookie, Origin: TOOL_ORIGIN },
      '/no-socket',
    );
    expect(refusal).toMatchObject({ status: 403, body: { text: 'no' }, headers: { 'x-tool': 'yes' } });
    expect(refusal.headers).not.toHaveProperty('set-cookie');
    await expect.poll(() => server.services.sockets.size).toBe(0);
  });

  it('answers a handshake without a session, or whose tool is away, with JSON', async () => {
    const socket = (headers: Readonly<Record<string, string>>, host = TOOL_HOST) =>
      openInVain(server.origin, { Host: host, Origin: `http://${host}`, ...headers }, '/socket');
    expect(await socket({ Accept: 'text/html' })).toMatchObject({
      status: 401,
      body: { error: 'login_required' },
    });
    expect(await socket({ Cookie: cookie }, 'gone.desk.test')).toMatchObject({
      status: 502,
      body: { error: 'bad_gateway' },
    });
  });

  describe('between the pages of other sites', () => {
    const post = (headers: Readonly<Record<string, string>>) =>
      ask(server.origin, '/orders', {
        method: 'POST',
        headers: { cookie, accept: 'application/json', ...headers },
      });

    it.each([
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://other.desk.test' },
      { origin: 'http://evil.test' },
      { origin: 'null' },
    ])('passes no change of state on: %o', async (headers) => {
      const begun = tool.requests.length;
      const answer = await post(headers);
      expect([answer.status, answer.json['error']]).toEqual([403, 'csrf']);
      expect(tool.requests).toHaveLength(begun);
    });

    it.each([{ 'sec-fetch-site': 'same-origin', origin: 'null' }, { origin: TOOL_ORIGIN }, {}])(
      'passes the tool’s own on: %o',
      async (headers) => expect((await post(headers)).status).toBe(200),
    );

    it('follows a link from elsewhere, and opens no socket for it', async () => {
      const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
      expect((await get('/page', link)).status).toBe(200);
      for (const Origin of ['http://evil.test', server.origin, 'null', 'http://other.desk.test'])
        expect(
          await openInVain(server.origin, { Host: TOOL_HOST, Cookie: cookie, Origin }, '/socket'),
        ).toMatchObject({
          status: 403,
          body: { error: 'csrf' },
        });
    });
  });

  describe('for programs', () => {
    let key: string;
    beforeAll(async () => {
      const [user] = await server.services.users.list();
      ({ key } = await issueKey(server, user?.id ?? '', { scopes: ['gateway:access'] }));
    });

    it('takes a key, which the tool does not see', async () => {
      for (const headers of [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }]) {
        const answer = await ask(server.origin, '/orders', {
          method: 'POST',
          headers: { ...headers, origin: 'null' },
        });
        expect(answer.status).toBe(200);
        expect(lastRequest()?.headers).toMatchObject({ 'remote-user': 'asha' });
        expect(JSON.stringify(lastRequest())).not.toContain('cfw_');
      }
      const both = { authorization: 'Basic dG9vbDpz', 'x-api-key': key };
      await ask(server.origin, '/x', { headers: both });
      expect(lastRequest()?.headers['authorization']).toBe('Basic dG9vbDpz');
      await ask(server.origin, '/open', { headers: { authorization: `Bearer ${key}` } });
      expect(lastRequest()?.headers).not.toHaveProperty('authorization');
    });

    it('opens a WebSocket with a key, whatever the Origin', async () => {
      const socket = await openToolSocket(server.origin, { 'X-API-Key': key });
      await expect.poll(() => socket.heard).toEqual(['hello']);
      socket.ws.terminate();
      await expect.poll(tool.openConnections).toBe(0);
    });
  });

  describe('and this server’s own pages', () => {
    const OWN = [
      '/',
      '/healthz',
      '/readyz',
      '/metrics',
      '/assets/curfew.css',
      '/auth/login',
      '/api',
      '/ws',
      '/setup',
      '/authz/nginx',
      '/.well-known/jwks.json',
      '/dashboard',
    ];

    it.each(OWN)('are apart: %s of the tool’s host is the tool’s', async (path) => {
      const answer = await get(path);
      expect([answer.headers['x-tool'], lastRequest()?.url]).toEqual(['yes', path]);
    });

    it.each(OWN)('are apart: a stranger gets nothing at %s', async (path) => {
      const answer = await ask(server.origin, path, { headers: { accept: 'application/json' } });
      expect([answer.status, answer.json['error']]).toEqual([401, 'login_required']);
    });

    it('are apart under this server’s own host', async () => {
      expect((await get('/grafana/api', {}, own)).headers['x-tool']).toBe('yes');
      expect(lastRequest()?.url).toBe('/grafana/api');
      expect(lastRequest()?.headers).not.toHaveProperty('cookie');
      const begun = tool.requests.length;
      for (const path of ['/grafanas', '/Grafana', '/dashboard', '/', '/assets/curfew.css', '/healthz'])
        expect((await get(path, {}, own)).headers['x-tool'], path).toBeUndefined();
      expect((await get('/grafana/..%2fdashboard', {}, own)).status).toBe(403);
      expect((await get('/grafana/../dashboard', {}, own)).status).toBe(403);
      expect(tool.requests).toHaveLength(begun);
    });
  });

  it('believes no host but that of the request where no proxy is trusted', async () => {
    const begun = tool.requests.length;
    await get('/page', { 'x-forwarded-host': TOOL_HOST }, own);
    expect(tool.requests).toHaveLength(begun);
    expect((await get('/page', {}, 'TOOL.desk.test:80')).headers['x-tool']).toBe('yes');
    expect(lastRequest()?.headers.host).toBe(TOOL_HOST);
  });

  it('says that a tool is away, and tells administrators alone where it should be', async () => {
    const page = await get('/', { accept: 'text/html' }, 'gone.desk.test');
    expect(page.status).toBe(502);
    expect(page.text).toContain('http://127.0.0.1:9');
    const viewer = createVisitor(server.origin);
    await server.services.accounts.userAdmin.create(
      { username: 'veena', email: 'veena@example.org', password: PERSON.password, role: 'viewer' },
      { actor: 'test' },
    );
    await signIn(viewer, { username: 'veena', password: PERSON.password });
    const other = await get('/', { cookie: cookieOf(viewer), accept: 'application/json' }, 'gone.desk.test');
    expect(other.json).toMatchObject({ error: 'bad_gateway', message: expect.stringContaining('"gone"') });
    expect(other.text).not.toContain('127.0.0.1');
    expect((await asha.get('/metrics')).text).toContain(
      'curfew_gateway_upstream_failures_total{rule="gone"}',
    );
  });

  it('writes no path of a tool into the log', async () => {
    await get('/secret-of-the-tool/and-more');
    await get('/grafana/secret-of-the-tool', {}, own);
    await get('/ravi/secret-of-the-tool');
    await get('/secret-of-the-tool', {}, 'gone.desk.test');
    expect(server.logText()).not.toContain('secret-of-the-tool');
    expect(server.logText()).toContain('/grafana/…');
  });

  it('is shown and explained to administrators', async () => {
    const page = await asha.get(
      `/security/gateway?user=asha&url=${encodeURIComponent(`${TOOL_ORIGIN}/elsewhere`)}`,
    );
    expect(page.text).toContain(`relayed to ${tool.origin}`);
    expect(page.text).toContain('asha is refused.');
    expect(page.text).toContain('The rule has no upstream');
  });

  it('counts what it is passing on', async () => {
    const socket = await openToolSocket(server.origin, { Cookie: cookie, Origin: TOOL_ORIGIN });
    const { text } = await asha.get('/metrics');
    expect(text).toContain('curfew_gateway_relayed 1');
    expect(text).toContain('curfew_sockets 0');
    socket.ws.terminate();
    await expect.poll(() => server.services.sockets.size).toBe(0);
    expect((await asha.get('/metrics')).text).toContain('curfew_gateway_relayed 0');
  });
});

describe('A relay behind a proxy', () => {
  let rules: RulesFile;
  let tool: ToolServer;
  let server: TestServer;
  let cookie: string;

  beforeEach(async () => {
    tool = await startTool();
    rules = createRulesFile(rulesFor(tool.origin, 'curfew.desk.test'));
    server = await startTestServer({ env: { GATEWAY_RULES: rules.path, TRUST_PROXY: '127.0.0.1' } });
    const asha = createVisitor(server.origin);
    await setUp(asha);
    await signIn(asha);
    cookie = cookieOf(asha);
    return async () => {
      await server.close();
      await tool.close();
      rules.remove();
    };
  });

  it('goes by what the proxy says of host, scheme and client', async () => {
    const forwarded = {
      'x-forwarded-host': TOOL_HOST,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '198.51.100.7',
    };
    const answer = await ask(server.origin, '/page', {
      host: 'inner:5000',
      headers: { cookie, ...forwarded },
    });
    expect(answer.status).toBe(200);
    expect(tool.requests.at(-1)?.headers).toMatchObject({ ...forwarded, host: TOOL_HOST });
    const socket = await openToolSocket(server.origin, {
      Host: 'inner:5000',
      Cookie: cookie,
      Origin: `https://${TOOL_HOST}`,
      'X-Forwarded-Host': TOOL_HOST,
      'X-Forwarded-Proto': 'wss',
    });
    await expect.poll(() => socket.heard).toEqual(['hello']);
    expect(tool.requests.at(-1)?.headers).toMatchObject({ host: TOOL_HOST, 'x-forwarded-proto': 'https' });
    socket.ws.terminate();
  });

  it('lets in what is good from a banned address, and ends nothing of it', async () => {
    const { bans, users } = server.services;
    const forwarded = { 'x-forwarded-host': TOOL_HOST, 'x-forwarded-for': '198.51.100.7' };
    const sent = begin(server.origin, '/events', { headers: { cookie, ...forwarded } });
    sent.end();
    const stream = await responseOf(sent);
    await bans.bans.ban({ subject: '198.51.100.7', note: '', length: 'permanent' }, { actor: 'test' });
    const stranger = await ask(server.origin, '/open', {
      headers: { accept: 'application/json', ...forwarded },
    });
    expect([stranger.status, stranger.json['error']]).toEqual([403, 'banned']);
    expect((await ask(server.origin, '/page', { headers: { cookie, ...forwarded } })).status).toBe(200);
    const { key } = await issueKey(server, (await users.list())[0]?.id ?? '', { scopes: ['gateway:access'] });
    const program = { authorization: `Bearer ${key}`, ...forwarded };
    expect((await ask(server.origin, '/page?token=of-the-tool', { headers: program })).status).toBe(200);
    await once(stream, 'data');
    sent.destroy();
  });

  it('notices that a tool’s address leads back to it', async () => {
    rules.write(rulesFor(server.origin, 'curfew.desk.test'));
    server.services.gateway.rules.load();
    const answer = await ask(server.origin, '/page', { headers: { cookie, accept: 'application/json' } });
    expect(answer.status).toBe(502);
    expect(answer.json['message']).toContain('leads back');
  });
});

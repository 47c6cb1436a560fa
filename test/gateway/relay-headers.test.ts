import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, openToolSocket, sendRaw, TOOL_HOST } from './relay-client.ts';
import { type RelayedTool, startRelayedTool } from './relayed-tool.ts';

/** What only this server may say, in the spellings in which tools read it. */
const SPOOFED = [
  'Remote-User',
  'remote-user',
  'REMOTE-USER',
  'Remote_User',
  'rEmOtE_uSeR',
  'Remote.User',
  'Remote-Groups',
  'Remote_Groups',
  'Remote-Email',
  'Remote-Name',
  'X-Remote-User',
  'X_Remote_User',
  'X-Curfew-Identity',
  'X_Curfew_Identity',
  'X-Curfew_Identity',
  'x-curfew-session-ends',
  'X-Curfew-Admin',
  'X-Forwarded-For',
  'X_Forwarded_For',
  'X-Forwarded_For',
  'X.Forwarded.For',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'X_Forwarded_Host',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
  'X-Forwarded-Uri',
  'X-Forwarded',
  'Forwarded',
  'X-Real-IP',
  'X_Real_IP',
  'X-Original-URL',
  'X_Original_URL',
  'X-Original-Method',
  'X-Rewrite-URL',
  'X-WebAuth-User',
  'X_WEBAUTH_USER',
  'X-WebAuth-Email',
  'X-Auth-Request-User',
  'X_Auth_Request_Email',
  'X-Client-IP',
  'True-Client-IP',
  'CF-Connecting-IP',
];

describe('The headers of a relayed request', () => {
  let relayed: RelayedTool;
  beforeAll(async () => {
    relayed = await startRelayedTool(
      (tool) =>
        `  - { name: open, host: ${TOOL_HOST}, path: /open, who: public, upstream: "${tool}" }\n` +
        `  - { name: readers, host: ${TOOL_HOST}, path: /read, methods: [POST], who: signed-in, upstream: "${tool}" }\n`,
    );
  });
  afterAll(() => relayed.close());

  const send = (path: string, lines: readonly string[], method = 'GET') =>
    sendRaw(
      relayed.server.origin,
      [
        `${method} ${path} HTTP/1.1`,
        `Host: ${TOOL_HOST}`,
        `Cookie: ${relayed.cookie}`,
        ...lines,
        'Connection: close',
        '',
        '',
      ].join('\r\n'),
      2000,
    );
  const got = () => relayed.tool.requests.at(-1);

  it.each(SPOOFED)('never have the client’s %s', async (name) => {
    for (const path of ['/page', '/open']) {
      // Twice, in two spellings of the case.
      const answer = await send(path, [`${name}: spoofed`, `${name.toUpperCase()}: spoofed-too`]);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(got()?.url).toBe(path);
      expect(JSON.stringify(got()?.rawHeaders)).not.toContain('spoofed');
      const times = (header: string) =>
        got()?.rawHeaders.filter((each, index) => index % 2 === 0 && each.toLowerCase() === header).length;
      expect(times('remote-user')).toBe(path === '/page' ? 1 : 0);
      expect(times('x-forwarded-for')).toBe(1);
    }
  });

  it('never have them in a handshake', async () => {
    const spoofed = Object.fromEntries(
      SPOOFED.filter((name) => !/^x-forwarded-(?:proto|host)$/i.test(name)).map((name) => [name, 'spoofed']),
    );
    const headers = { Cookie: relayed.cookie, Origin: `http://${TOOL_HOST}` };
    const socket = await openToolSocket(relayed.server.origin, { ...spoofed, ...headers });
    expect(JSON.stringify(got()?.rawHeaders)).not.toContain('spoofed');
    expect(got()?.headers).toMatchObject({ 'remote-user': 'asha', 'x-forwarded-for': '127.0.0.1' });
    socket.ws.terminate();
  });

  it('cannot be taken out by naming them in Connection', async () => {
    await send('/page', [
      'Connection: remote-user, x-forwarded-for, host, x-curfew-identity, cookie',
      'X-Kept: yes',
    ]);
    expect(got()?.headers).toMatchObject({
      'remote-user': 'asha',
      'x-forwarded-for': '127.0.0.1',
      'x-curfew-identity': expect.any(String),
      host: TOOL_HOST,
      'x-kept': 'yes',
    });
  });

  it('are without those of the connection', async () => {
    const hops = [
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'TE: trailers',
      'Trailer: X-End',
      'Upgrade: h2c',
      'Proxy-Authorization: Basic eDp5',
      'HTTP2-Settings: AAMAAABk',
      'X-Hop: 1',
    ];
    await send('/page', [...hops, 'Connection: X-Hop, HTTP2-Settings, Upgrade']);
    for (const name of [
      'keep-alive',
      'proxy-connection',
      'te',
      'trailer',
      'upgrade',
      'proxy-authorization',
      'http2-settings',
      'x-hop',
    ])
      expect(got()?.headers).not.toHaveProperty(name);
    expect(got()?.headers.connection).toBe('keep-alive');
  });

  it('have no other method where the rule names methods', async () => {
    const body = ['X-HTTP-Method-Override: DELETE', 'X_HTTP_Method: DELETE', 'Content-Length: 0'];
    await send('/read', body, 'POST');
    expect(JSON.stringify(got()?.rawHeaders)).not.toContain('DELETE');
    await send('/other', body, 'POST');
    expect(got()?.headers).toMatchObject({ 'x-http-method-override': 'DELETE' });
  });

  it('have the tool’s cookies, and none of this server’s', async () => {
    const own = [
      'curfew=x',
      'curfew-theme=dark',
      '__Host-curfew=x',
      '__Secure-curfew=x',
      '__Host-curfew-last=x',
      'Curfew-Device=x',
    ];
    const { server, cookie } = relayed;
    await ask(server.origin, '/page', {
      headers: { cookie: ['first=1', cookie, ...own, 'my_curfew=2', 'last="a b"'].join('; ') },
    });
    expect(got()?.headers.cookie).toBe('first=1; my_curfew=2; last="a b"');
    await ask(server.origin, '/page', { headers: { cookie } });
    expect(got()?.headers).not.toHaveProperty('cookie');
  });

  it('lead to an answer whose cookies are none of this server’s', async () => {
    const { server, cookie } = relayed;
    const answer = await ask(server.origin, '/cookies', { headers: { cookie } });
    expect(answer.headers['set-cookie']).toEqual(['tool=1; Path=/', 'theme=light']);
  });

  it('lead to an answer without those of the tool’s connection', async () => {
    const { server, cookie } = relayed;
    const { headers } = await ask(server.origin, '/page', { headers: { cookie } });
    for (const name of ['x-hop', 'keep-alive', 'proxy-authenticate'])
      expect(headers).not.toHaveProperty(name);
  });

  it('keep what goes through from end to end', async () => {
    const kept = [
      'Accept: text/csv',
      'Accept-Encoding: br',
      'Range: bytes=0-9',
      'If-None-Match: "x"',
      'Authorization: Bearer of-the-tool',
      'X-Requested-With: fetch',
      'Origin: http://x.test',
      'User-Agent: \xe9',
    ];
    await send('/page', kept);
    for (const line of kept) {
      const [name = '', value = ''] = line.split(': ');
      expect(got()?.headers[name.toLowerCase()]).toBe(value);
    }
    expect(got()?.headers.via).toBe(`1.1 ${new URL(relayed.server.origin).host}`);
  });
});

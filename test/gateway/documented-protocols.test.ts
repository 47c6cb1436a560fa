import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createRulesFile, type RulesFile } from '../support/rules-file.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn } from '../support/visitor.ts';
import { documentedBlocks } from './proxies/documented-blocks.ts';
import { type RawAnswer, sendRaw } from './proxies/raw-request.ts';

/**
 * Traefik and Envoy have no Debian package. These requests have the shape that the documentation of both gives them, with the
 * addresses and headers that the configurations in docs/gateway.md name.
 */

const HOST = 'notebook.example.com';
const RULES = `rules:
  - { name: open, host: ${HOST}, path: /public, who: public }
  - { name: notebook, host: ${HOST}, who: signed-in }
`;

type Headers = Readonly<Record<string, string>>;

let rules: RulesFile;
let curfew: TestServer;
let cookie: string;

beforeAll(async () => {
  rules = createRulesFile(RULES);
  curfew = await startTestServer({ env: { GATEWAY_RULES: rules.path, TRUST_PROXY: '127.0.0.1' } });
  const visitor = createVisitor(curfew.origin);
  await setUp(visitor);
  await signIn(visitor);
  cookie = `curfew=${visitor.sessionCookie()}`;
});
afterAll(async () => {
  await curfew.close();
  rules.remove();
});

const send = (method: string, target: string, headers: Headers): Promise<RawAnswer> => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return sendRaw(
    curfew.config.port,
    [`${method} ${target} HTTP/1.1`, ...lines, 'Connection: close', '', ''].join('\r\n'),
  );
};

const headerOf = ({ text }: RawAnswer, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\r$`, 'im').exec(text.split('\r\n\r\n', 1)[0] ?? '')?.[1];

const yamlBlock = (word: string): unknown =>
  parse(documentedBlocks('docs/gateway.md', 'yaml').find((code) => code.includes(word)) ?? '');

/** A GET to the address of the middleware, with all headers of the client but those of its connection, and its own. */
function askAsTraefik(method: string, uri: string, client: Headers): Promise<RawAnswer> {
  const { http } = yamlBlock('forwardAuth:') as {
    http: { middlewares: { curfew: { forwardAuth: { address: string } } } };
  };
  const address = new URL(http.middlewares.curfew.forwardAuth.address);
  return send('GET', address.pathname, {
    Host: address.host,
    'User-Agent': 'Mozilla/5.0',
    ...client,
    'Accept-Encoding': 'gzip',
    'X-Forwarded-For': '203.0.113.9',
    'X-Forwarded-Host': HOST,
    'X-Forwarded-Method': method,
    'X-Forwarded-Port': '80',
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Server': 'traefik-1',
    'X-Forwarded-Uri': uri,
    'X-Real-Ip': '203.0.113.9',
  });
}

/** The method, path and host of the client, behind `path_prefix`, with an empty body and the allowed headers alone. */
function askAsEnvoy(method: string, uri: string, client: Headers): Promise<RawAnswer> {
  const text = documentedBlocks('docs/gateway.md', 'yaml').find((code) => code.includes('ext_authz')) ?? '';
  const [, prefix = ''] = /path_prefix: (\S+)/.exec(text) ?? [];
  const [, allowedText = ''] = /allowed_headers:(.*?)http_service:/s.exec(text) ?? [];
  const allowed = [...allowedText.matchAll(/exact: ([\w-]+)/g)].map(([, name]) => name);
  const sent = { ...client, 'x-forwarded-proto': 'http', 'x-forwarded-for': '203.0.113.9' };
  return send(method, prefix + uri, {
    host: HOST,
    ...Object.fromEntries(
      Object.entries(sent).filter(
        ([name]) => allowed.includes(name.toLowerCase()) || name === 'Authorization',
      ),
    ),
    'content-length': '0',
    'x-envoy-internal': 'true',
    'x-envoy-expected-rq-timeout-ms': '5000',
  });
}

describe.each([
  ['Traefik', askAsTraefik],
  ['Envoy', askAsEnvoy],
] as const)('A request as %s documents it', (_name, ask) => {
  const page = { Accept: 'text/html,application/xhtml+xml', 'Sec-Fetch-Mode': 'navigate' };
  const script = { Accept: '*/*', 'Sec-Fetch-Mode': 'cors' };

  it('is answered with the identity', async () => {
    const answer = await ask('GET', '/lab/tree/a%2Fb.ipynb?reset=1', { ...page, Cookie: cookie });
    expect(answer.status).toBe(200);
    expect(headerOf(answer, 'remote-user')).toBe(PERSON.username);
    expect(headerOf(answer, 'x-curfew-identity')).toMatch(/^ey/);
    expect((await ask('POST', '/api/kernels', { ...script, Cookie: cookie })).status).toBe(200);
  });

  it('is answered with the way to the sign-in page for pages, and with 401 for scripts and sockets', async () => {
    const answer = await ask('GET', '/lab?reset=1', page);
    expect(answer.status).toBe(303);
    const back = `/gateway/return?${new URLSearchParams({ to: `http://${HOST}/lab?reset=1` })}`;
    expect(headerOf(answer, 'location')).toBe(
      `${curfew.origin}/auth/login?${new URLSearchParams({ reason: 'login_required', returnTo: back })}`,
    );
    for (const headers of [
      script,
      { ...page, 'X-Requested-With': 'x', 'Sec-Fetch-Mode': 'cors' },
      { ...script, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
    ])
      expect((await ask('GET', '/api/x', headers)).status).toBe(401);
    expect((await ask('POST', '/api/x', script)).status).toBe(401);
  });

  it('is refused where rules refuse, whatever else the client sends', async () => {
    expect((await ask('GET', '/public/..%2flab', page)).status).toBe(403);
    const spoofed = {
      ...script,
      'X-Original-URL': `http://${HOST}/public`,
      'X-Original-Method': 'GET',
      Forwarded: `host=${HOST}`,
    };
    expect((await ask('GET', '/lab', spoofed)).status).toBe(401);
    expect((await ask('GET', '/public/x', script)).status).toBe(200);
  });
});

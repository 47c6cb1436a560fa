import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, sendRaw, TOOL_HOST } from './relay-client.ts';
import { type RelayedTool, startRelayedTool } from './relayed-tool.ts';

let relayed: RelayedTool;
beforeAll(async () => {
  relayed = await startRelayedTool();
});
afterAll(() => relayed.close());

let begun = 0;
beforeEach(() => {
  begun = relayed.tool.requests.length;
});
const urls = () => relayed.tool.requests.slice(begun).map(({ url }) => url);

/** Two requests to whoever reads the first as ending early. */
describe('A request that is framed in two ways', () => {
  const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: tool.desk.test\r\n\r\n';
  const head = (...lines: readonly string[]): string =>
    [`POST /first HTTP/1.1`, `Host: ${TOOL_HOST}`, `Cookie: ${relayed.cookie}`, ...lines, '', ''].join(
      '\r\n',
    );
  const chunks = `0\r\n\r\n${SMUGGLED}`;
  const length = (text: string): string => `Content-Length: ${text.length}`;

  const PAIRS: readonly (readonly [string, () => string])[] = [
    ['length and chunks', () => head(length(chunks), 'Transfer-Encoding: chunked') + chunks],
    ['chunks and length', () => head('Transfer-Encoding: chunked', length(chunks)) + chunks],
    ['two lengths', () => head('Content-Length: 0', length(SMUGGLED)) + SMUGGLED],
    ['two lengths in one', () => head(`Content-Length: 0, ${SMUGGLED.length}`) + SMUGGLED],
    ['a length with a sign', () => head(`Content-Length: +${SMUGGLED.length}`) + SMUGGLED],
    ['a length in hexadecimal', () => head('Content-Length: 0x10') + SMUGGLED],
    ['a space before the colon', () => head('Transfer-Encoding : chunked', length(chunks)) + chunks],
    ['a tab before the colon', () => head('Content-Length\t: 0') + SMUGGLED],
    ['a folded line', () => head('X-Folded: a\r\n Transfer-Encoding: chunked', length(chunks)) + chunks],
    ['a folded encoding', () => head('Transfer-Encoding:\r\n chunked', length(chunks)) + chunks],
    ['a line that begins with a space', () => head(' Transfer-Encoding: chunked', length(chunks)) + chunks],
    [
      'an encoding with a vertical tab',
      () => head('Transfer-Encoding: \x0bchunked', length(chunks)) + chunks,
    ],
    ['an encoding twice', () => head('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + chunks],
    ['an encoding of another name', () => head('Transfer-Encoding: xchunked') + chunks],
    ['an encoding in quotes', () => head('Transfer-Encoding: "chunked"') + chunks],
    ['chunked, but not last', () => head('Transfer-Encoding: chunked, identity') + chunks],
    ['a bare line feed', () => head(`X: a\nTransfer-Encoding: chunked`, length(chunks)) + chunks],
    ['a bare carriage return', () => head(`X: a\rTransfer-Encoding: chunked`, length(chunks)) + chunks],
    ['a zero byte', () => head('Transfer-Encoding: chunked\0', length(chunks)) + chunks],
    ['a chunk whose length has a sign', () => `${head('Transfer-Encoding: chunked')}-1\r\n\r\n${SMUGGLED}`],
    [
      'a chunk whose length overflows',
      () => `${head('Transfer-Encoding: chunked')}10000000000000000\r\nx\r\n${chunks}`,
    ],
    ['a chunk that ends with a bare line feed', () => `${head('Transfer-Encoding: chunked')}1\nx\n${chunks}`],
    ['an underscore for a hyphen', () => head('Transfer_Encoding: chunked', 'Content-Length: 0') + SMUGGLED],
  ];

  it.each(PAIRS)('is refused, or is one request: %s', async (_name, make) => {
    const answer = await sendRaw(relayed.server.origin, make());
    // What comes behind a complete request is the client's next one, without a cookie: this server's to refuse.
    expect(urls()).not.toContain('/smuggled');
    expect(urls().length).toBeLessThanOrEqual(1);
    if (urls().length === 0) expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('passes chunk extensions and trailers on as neither', async () => {
    const body = `5;ext="a\\"b"\r\nhello\r\n0;last\r\nX-Trailer: 1\r\nRemote-User: spoofed\r\n\r\n`;
    const answer = await sendRaw(
      relayed.server.origin,
      head('Transfer-Encoding: chunked', 'Connection: close') + body,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    const request = relayed.tool.requests.at(-1);
    expect(request?.body.text).toBe('hello');
    expect(JSON.stringify(request?.rawHeaders)).not.toContain('spoofed');
  });

  it.each([
    ['two hosts', `GET /x HTTP/1.1\r\nHost: ${TOOL_HOST}\r\nHost: evil.test\r\n\r\n`],
    ['no host', 'GET /x HTTP/1.1\r\n\r\n'],
    ['an absolute address', `GET http://${TOOL_HOST}/x HTTP/1.1\r\nHost: ${TOOL_HOST}\r\n\r\n`],
    ['the address of another host', `GET http://127.0.0.1:9/x HTTP/1.1\r\nHost: ${TOOL_HOST}\r\n\r\n`],
    ['an asterisk', `OPTIONS * HTTP/1.1\r\nHost: ${TOOL_HOST}\r\n\r\n`],
    ['a tunnel', `CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: ${TOOL_HOST}\r\n\r\n`],
  ])('reaches no tool with %s', async (_name, text) => {
    const answer = await sendRaw(
      relayed.server.origin,
      text.replace('\r\n\r\n', `\r\nCookie: ${relayed.cookie}\r\n\r\n`),
    );
    expect(urls()).toEqual([]);
    expect(answer).toMatch(/^(?:HTTP\/1\.1 400 |$)/);
  });
});

describe('The path of a relayed request', () => {
  it.each([
    '/',
    '//',
    '//evil.test/x',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/%2e%2e/b',
    '/a%2Fb',
    '/a%2fb',
    '/a%252fb',
    '/a;x=1/b',
    '/a\\b',
    '/%00',
    '/a%0d%0ab',
    '/%E0%A4%A8',
    '/caf%C3%A9?q=%20+',
    '/?',
    '/a?b?c#d',
    '/a?url=http://evil.test/',
    '/A/B',
    '/~user/!$&()*+,=:@',
    `/${'x'.repeat(8000)}`,
  ])('arrives as it was sent: %s', async (path) => {
    const answer = await sendRaw(
      relayed.server.origin,
      `GET ${path} HTTP/1.1\r\nHost: ${TOOL_HOST}\r\nCookie: ${relayed.cookie}\r\nConnection: close\r\n\r\n`,
      2000,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(urls()).toEqual([path]);
  });

  it.each(['tool.desk.test.', 'TOOL.DESK.TEST', 'tool.desk.test:80'])(
    'is the tool’s under its host as %s',
    async (host) => {
      const answer = await ask(relayed.server.origin, '/x', { host, headers: { cookie: relayed.cookie } });
      expect(answer.status).toBe(200);
      expect(relayed.tool.requests.at(-1)?.headers.host).toBe(TOOL_HOST);
    },
  );

  it.each([
    'tool.desk.test:81',
    'x.tool.desk.test',
    'tool.desk.test@evil.test',
    'tool.desk.test/',
    '127.0.0.1',
  ])('is not the tool’s under the host %s', async (host) => {
    await ask(relayed.server.origin, '/x', { host, headers: { cookie: relayed.cookie } });
    expect(urls()).toEqual([]);
  });
});

/** Where a smuggled request leads: no client of these tests may go there. */
export const SMUGGLED_PATH = '/admin/smuggled';

const inner = (host: string, name: string): string =>
  `GET ${SMUGGLED_PATH}?${encodeURIComponent(name)} HTTP/1.1\r\nHost: ${host}\r\nX: y\r\n\r\n`;

const bytesOf = (text: string): number => Buffer.byteLength(text, 'latin1');

/**
 * Bytes that one reader takes for one request and another for two: the pairs of "HTTP Desync Attacks" (Kettle, 2019 and
 * 2022, 2025) and of advisories about chunk extensions and bare line feeds. `front` is the path of the first request.
 */
export function smuggledRequests(host: string, front: string): Readonly<Record<string, string>> {
  const start = (lines: readonly string[], method = 'POST'): string =>
    [`${method} ${front} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');
  /** A body that is over after five bytes for who looks at its chunks, and holds a request for who looks at its length. */
  const byLength = (name: string, lines: readonly string[]): string => {
    const body = `0\r\n\r\n${inner(host, name)}`;
    return start([`Content-Length: ${bytesOf(body)}`, ...lines]) + body;
  };
  /** The other way round. */
  const byChunks = (name: string, lines: readonly string[]): string => {
    const chunk = inner(host, name);
    const size = bytesOf(chunk).toString(16);
    return `${start([`Content-Length: ${size.length + 2}`, ...lines])}${size}\r\n${chunk}\r\n0\r\n\r\n`;
  };
  const lengths = (name: string, write: (all: number) => readonly string[]): string => {
    const body = inner(host, name);
    return start(write(bytesOf(body))) + body;
  };
  const chunked = (name: string, chunks: string): string =>
    start(['Transfer-Encoding: chunked']) + chunks + inner(host, name);

  const obfuscated = Object.entries(OBFUSCATIONS).flatMap(([name, lines]) => [
    [`${name}, by length`, byLength(`${name} by length`, lines)],
    [`${name}, by chunks`, byChunks(`${name} by chunks`, lines)],
  ]);

  return {
    ...(Object.fromEntries(obfuscated) as Record<string, string>),
    'two lengths, the first is 0': lengths('two lengths 0', (all) => [
      'Content-Length: 0',
      `Content-Length: ${all}`,
    ]),
    'two lengths, the second is 0': lengths('two lengths n', (all) => [
      `Content-Length: ${all}`,
      'Content-Length: 0',
    ]),
    'a list of lengths': lengths('length list', (all) => [`Content-Length: 0, ${all}`]),
    'a length with a sign': lengths('length sign', (all) => [`Content-Length: +${all}`]),
    'a negative length': lengths('length negative', () => ['Content-Length: -1']),
    'a hexadecimal length': lengths('length hex', (all) => [`Content-Length: 0x${all.toString(16)}`]),
    'a length of 0 with more behind it': lengths('length zero more', () => ['Content-Length: 0 ']),
    'a length with _': lengths('length underscore', (all) => ['Content-Length: 0', `Content_Length: ${all}`]),
    'a length with a space before the colon': lengths('length space', (all) => [`Content-Length : ${all}`]),
    'a length behind a bare line feed': lengths('length lf', (all) => [`X: a\nContent-Length: ${all}`]),
    'a folded length': lengths('length folded', (all) => ['Content-Length:', ` ${all}`]),
    'no length': start(['X: no length']) + inner(host, 'no length'),
    'a body of GET': `${start(['Content-Length: 5'], 'GET')}12345${inner(host, 'fat get')}`,
    'Expect, and a length': lengths('expect', (all) => ['Expect: 100-continue', `Content-Length: ${all}`]),
    'an odd Expect': lengths('expect odd', (all) => ['Expect: y 100-continue', `Content-Length: ${all}`]),
    'a chunk extension behind a bare line feed': chunked('ext lf', '2;\nxx\r\nab\r\n0\r\n\r\n'),
    'a chunk extension with a carriage return': chunked('ext cr', '2;a\rb\r\nab\r\n0\r\n\r\n'),
    'a chunk size with a bare line feed': chunked('size lf', '2\nab\n0\n\n'),
    'a chunk that ends with other signs': chunked('chunk end', '2\r\nabXX0\r\n\r\n'),
    'a chunk size with 0x': chunked('size 0x', '0x2\r\nab\r\n0\r\n\r\n'),
    'a chunk size with a sign': chunked('size sign', '+2\r\nab\r\n0\r\n\r\n'),
    'a chunk size with a space': chunked('size space', '2 \r\nab\r\n0\r\n\r\n'),
    'a chunk size beyond 64 bits': chunked('size overflow', '10000000000000002\r\nab\r\n0\r\n\r\n'),
    'a trailer with a length': chunked('trailer', '0\r\nContent-Length: 500\r\n\r\n'),
    'a trailer with a bare line feed': chunked('trailer lf', '0\r\nX: y\n\r\n\r\n'),
    'bare line feeds': `GET ${front} HTTP/1.1\nHost: ${host}\n\n${inner(host, 'bare lf').replaceAll('\r', '')}`,
    'bare carriage returns': `${start(['X: a\rTransfer-Encoding: chunked', 'Content-Length: 5'])}0\r\n\r\n${inner(host, 'bare cr')}`,
    'HTTP/1.0 with chunks': byLength('http10', ['Transfer-Encoding: chunked']).replace(
      'HTTP/1.1',
      'HTTP/1.0',
    ),
    'HTTP/0.9': `GET ${SMUGGLED_PATH}?http09\r\n`,
    'HTTP/1.1 in a path': `GET ${front} HTTP/1.1\r\nHost: ${host}\r\n\r\nGET ${SMUGGLED_PATH}?inpath HTTP/1.1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    'a second request in line': start([], 'GET') + inner(host, 'pipelined'),
    'line ends in a path': `GET ${front}\r\nX: HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner(host, 'split')}`,
    'an upgrade that fails':
      start(
        [
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 777',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ],
        'GET',
      ) + inner(host, 'upgrade fails'),
    'an upgrade to h2c':
      start(
        ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
        'GET',
      ) + inner(host, 'h2c'),
    'an upgrade with a length': `${start(
      [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Content-Length: 5',
      ],
      'GET',
    )}12345${inner(host, 'upgrade length')}`,
  };
}

/** Ways to write `Transfer-Encoding: chunked` that some readers know and others do not. */
const OBFUSCATIONS: Readonly<Record<string, readonly string[]>> = {
  chunked: ['Transfer-Encoding: chunked'],
  'chunked after another': ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'],
  'chunked before another': ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  'chunked in a list': ['Transfer-Encoding: identity, chunked'],
  'chunked first in a list': ['Transfer-Encoding: chunked, identity'],
  xchunked: ['Transfer-Encoding: xchunked'],
  'capital letters': ['TRANSFER-ENCODING: CHUNKED'],
  'a space before the colon': ['Transfer-Encoding : chunked'],
  'a tab behind the colon': ['Transfer-Encoding:\tchunked'],
  'a vertical tab': ['Transfer-Encoding: \x0bchunked'],
  'a null byte': ['Transfer-Encoding: chunked\0'],
  quotes: ['Transfer-Encoding: "chunked"'],
  'a space in front': [' Transfer-Encoding: chunked'],
  folded: ['Transfer-Encoding:', ' chunked'],
  'a folded name': ['Transfer-Encoding', ' : chunked'],
  'a bare line feed': ['X: a\nTransfer-Encoding: chunked'],
  'a bare carriage return': ['X: a\rTransfer-Encoding: chunked'],
  '_ for -': ['Transfer_Encoding: chunked'],
};

type Preference = 'length' | 'chunks';

/**
 * The request lines in the bytes of a connection, by a reader who is as lenient as any and believes the one or the other
 * where a request names both a length and chunks.
 */
export function requestLinesIn(connection: Buffer, preference: Preference): readonly string[] {
  const text = connection.toString('latin1');
  const lines: string[] = [];
  let at = 0;
  while (at < text.length) {
    const end = /\r?\n\r?\n/g;
    end.lastIndex = at;
    const found = end.exec(text);
    if (found === null) break;
    const [line = '', ...headers] = text.slice(at, found.index).trimStart().split(/\r?\n/);
    lines.push(line);
    if (headers.some((header) => /^upgrade *: *websocket/i.test(header))) break;
    at = bodyEnd(text, end.lastIndex, headers, preference);
  }
  return lines;
}

function bodyEnd(text: string, at: number, headers: readonly string[], preference: Preference): number {
  const headerOf = (name: RegExp): string | undefined =>
    headers.map((header) => header.split(':', 2)).find(([each = '']) => name.test(each.trim()))?.[1];
  const length = Number.parseInt(headerOf(/^content-length$/i) ?? '', 10);
  const isChunked = /chunked/i.test(headerOf(/^transfer-encoding$/i) ?? '');
  const hasLength = length > 0;
  if (isChunked && !(preference === 'length' && hasLength)) return chunksEnd(text, at);
  return hasLength ? at + length : at;
}

function chunksEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1) return text.length;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 1;
    if (!(size > 0)) break;
    at += size;
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
  }
  const trailers = /(?:[^\r\n]+\r?\n)*\r?\n/y;
  trailers.lastIndex = at;
  return trailers.exec(text) === null ? text.length : trailers.lastIndex;
}

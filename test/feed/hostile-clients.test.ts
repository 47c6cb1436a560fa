import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';
import { openSocket, type SocketClient } from './socket-client.ts';

/** A client that has shaken hands and then writes bytes of its own. */
interface RawClient {
  readonly socket: Socket;
  /** The code of the close frame that the server sends; 0 where it sends none. */
  closeCode(): Promise<number>;
}

const FIN = 0x80;
const MASKED = 0x80;
const TEXT = 0x1;
const CLOSE = 0x8;

function frame(opcode: number, payload: Buffer, { mask = true, bits = FIN } = {}): Buffer {
  const key = Buffer.from([1, 2, 3, 4]);
  const body = mask ? Buffer.from(payload.map((byte, index) => byte ^ (key[index % 4] ?? 0))) : payload;
  return Buffer.concat([
    Buffer.from([bits | opcode, (mask ? MASKED : 0) | payload.length]),
    ...(mask ? [key] : []),
    body,
  ]);
}

/** The first piece of a message. */
const begun = (payload: Buffer): Buffer => frame(TEXT, payload, { bits: 0 });

async function shakeHands(origin: string, key: string): Promise<RawClient> {
  const { hostname, port, host } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(
    [
      'GET /ws HTTP/1.1',
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `X-API-Key: ${key}`,
      '\r\n',
    ].join('\r\n'),
  );
  while (!Buffer.concat(chunks).includes('\r\n\r\n')) await once(socket, 'data');
  const head = Buffer.concat(chunks).indexOf('\r\n\r\n') + 4;
  return {
    socket,
    async closeCode() {
      await closed;
      const received = Buffer.concat(chunks).subarray(head);
      for (let at = 0; at + 2 <= received.length; ) {
        const length = received.readUInt8(at + 1) & 0x7f;
        if ((received.readUInt8(at) & 0x0f) === CLOSE) return received.readUInt16BE(at + 2);
        at += 2 + length;
      }
      return 0;
    },
  };
}

describe('A hostile client', () => {
  let server: TestServer;
  let key: string;

  beforeAll(async () => {
    server = await startTestServer({ env: { API_RATE_LIMIT: '100000/minute', SOCKETS_PER_USER: '100' } });
    await setUp(createVisitor(server.origin));
    const { db } = server.infrastructure.database;
    const { id } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow();
    ({ key } = await issueKey(server, id));
  });
  afterAll(() => server.close());

  const open = (): Promise<SocketClient> => openSocket(server.origin, { 'X-API-Key': key });

  it.each([
    ['an unmasked frame', frame(TEXT, Buffer.from('{}'), { mask: false }), 1002],
    ['the first reserved bit', frame(TEXT, Buffer.from('{}'), { bits: FIN | 0x40 }), 1002],
    ['the second reserved bit', frame(TEXT, Buffer.from('{}'), { bits: FIN | 0x20 }), 1002],
    ['the third reserved bit', frame(TEXT, Buffer.from('{}'), { bits: FIN | 0x10 }), 1002],
    [
      'a reserved bit of a continuation',
      Buffer.concat([begun(Buffer.from('{')), frame(0x0, Buffer.from('}'), { bits: FIN | 0x40 })]),
      1002,
    ],
    ['a reserved opcode', frame(0x3, Buffer.from('{}')), 1002],
    ['a reserved opcode of control frames', frame(0xb, Buffer.from('{}')), 1002],
    [
      'a message within another',
      Buffer.concat([begun(Buffer.from('{')), frame(TEXT, Buffer.from('{}'))]),
      1002,
    ],
    ['a control frame that is too long', Buffer.from([FIN | 0x9, MASKED | 126, 0, 126]), 1002],
    ['a control frame in pieces', frame(0x9, Buffer.from('a'), { bits: 0 }), 1002],
    ['a continuation of nothing', frame(0x0, Buffer.from('a')), 1002],
    ['a close frame of one byte', frame(CLOSE, Buffer.from([3])), 1002],
    ['a close code that is none', frame(CLOSE, Buffer.from([0, 5])), 1002],
    ['bad UTF-8', frame(TEXT, Buffer.from([0xc3, 0x28])), 1007],
    [
      'bad UTF-8 in pieces',
      Buffer.concat([begun(Buffer.from([0xc3])), frame(0x0, Buffer.from([0x28]))]),
      1007,
    ],
    ['a close with bad UTF-8', frame(CLOSE, Buffer.from([3, 232, 0xc3, 0x28])), 1007],
    [
      'a length of 64 bits that is too large',
      Buffer.from([FIN | TEXT, MASKED | 127, 0xff, ...Array(7).fill(0xff)]),
      4413,
    ],
  ])('is closed for %s', async (_, bytes, code) => {
    const client = await shakeHands(server.origin, key);
    client.socket.write(bytes);
    const closedWith = await client.closeCode();
    expect(closedWith).toBe(code);
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
  });

  it('is closed with 4413 for a message of more than 64 KiB, in one frame or in pieces', async () => {
    const whole = await open();
    whole.ws.send(Buffer.alloc(1024 * 1024, 'a'), { binary: false });
    expect(await whole.closed).toMatchObject({ code: 4413, reason: 'too_large' });
    expect(whole.messages.at(-1)).toMatchObject({ type: 'bye', code: 4413 });

    const inPieces = await open();
    for (let piece = 0; piece < 5; piece += 1) inPieces.ws.send('a'.repeat(20_000), { fin: false });
    expect(await inPieces.closed).toMatchObject({ code: 4413 });
  });

  it('may send exactly 64 KiB', async () => {
    const socket = await open();
    socket.send('a'.repeat(64 * 1024));
    expect(await socket.next(({ type }) => type === 'error')).toMatchObject({ error: 'invalid' });
    socket.close();
  });

  it('that vanishes without a word takes no seat for long', async () => {
    await expect.poll(() => server.services.sockets.size).toBe(0);
    const client = await shakeHands(server.origin, key);
    expect(server.services.sockets.size).toBe(1);
    client.socket.resetAndDestroy();
    await expect.poll(() => server.services.sockets.size).toBe(0);
  });

  it.each([
    ['no JSON', 'hello', undefined],
    ['a list', '[]', undefined],
    ['another version', { v: 2, type: 'ping', id: 'x' }, 'v'],
    ['an unknown type', { v: 1, type: 'sell', id: 'x' }, 'type'],
    ['no id', { v: 1, type: 'ping' }, 'id'],
    ['more than there is', { v: 1, type: 'ping', id: 'x', all: true }, 'all'],
  ])('hears what is wrong with %s, and keeps its socket', async (_, message, field) => {
    const socket = await open();
    socket.send(message as object);
    const error = await socket.next(({ type }) => type === 'error');
    expect(error).toMatchObject({ v: 1, error: 'invalid', ...(field === undefined ? {} : { field }) });
    socket.close();
  });

  it('is closed with 4429 for a flood, and its messages take no memory', async () => {
    const socket = await open();
    for (let count = 0; count < 20_000; count += 1) socket.send({ v: 1, type: 'ping', id: String(count) });
    expect(await socket.closed).toMatchObject({ code: 4429, reason: 'too_many_messages' });
    expect(socket.messages.filter(({ type }) => type === 'ack').length).toBeLessThanOrEqual(100);
  });
});

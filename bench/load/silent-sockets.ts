import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Clients of a WebSocket that read everything and look at nothing but pings, so that the server is what is measured. */
export interface SilentSockets {
  readonly open: number;
  /** Received by all of them, handshakes included. */
  readonly bytes: number;
  /** Resolves to when the last one was closed, by `performance.now()`. */
  readonly allClosed: Promise<number>;
  close(): void;
}

const AT_ONCE = 50;
const PING = Buffer.from([0x89, 0]);
/** Masked, as a client's must be. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

export async function openSilentSockets(
  port: number,
  count: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<SilentSockets> {
  const sockets = new Set<Socket>();
  const closed = Promise.withResolvers<number>();
  let bytes = 0;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);

  async function open(): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${lines.join('')}\r\n`,
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    if (!first.toString().startsWith('HTTP/1.1 101'))
      throw new Error(`Refused: ${first.toString().split('\r\n')[0]}`);
    bytes += first.length;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (chunk.length === PING.length && chunk.equals(PING)) socket.write(PONG);
    });
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) closed.resolve(performance.now());
    });
  }

  for (let opened = 0; opened < count; opened += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened) }, open));

  return {
    get open() {
      return sockets.size;
    },
    get bytes() {
      return bytes;
    },
    allClosed: closed.promise,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

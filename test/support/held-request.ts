import { once } from 'node:events';
import { connect } from 'node:net';

export interface HeldAnswer {
  /** 0 where the connection was closed without an answer. */
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** A request whose headers and first bytes are out, and whose rest is held back. */
export interface HeldRequest {
  /** Sends the rest; resolves when the server has answered and closed. */
  finish(): Promise<HeldAnswer>;
  /** What the server says without the rest. */
  answer(): Promise<HeldAnswer>;
  destroy(): void;
}

export interface HeldRequestOptions {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** How many bytes of the body are sent at once. */
  readonly sentAtOnce?: number;
  /** Milliseconds after which it gives up. Never. */
  readonly withinMs?: number;
}

/** Sends a request as a slow or hostile client would: over a socket of its own, and without its end. */
export async function holdRequest(
  origin: string,
  { method = 'POST', path, headers = {}, body, sentAtOnce = 5, withinMs = 0 }: HeldRequestOptions,
): Promise<HeldRequest> {
  const { hostname, port, host } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  // A server that closes early resets what is still being sent: what it answered counts.
  socket.on('error', () => undefined);
  // Not `once`, which rejects where an error comes first.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (withinMs > 0) socket.setTimeout(withinMs, () => socket.destroy());
  await Promise.race([once(socket, 'connect'), closed]);
  const head = Object.entries({
    Host: host,
    Connection: 'close',
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n${body.slice(0, sentAtOnce)}`);

  async function answer(): Promise<HeldAnswer> {
    await closed;
    const text = Buffer.concat(chunks).toString();
    const end = text.indexOf('\r\n\r\n');
    return {
      status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
      headers: text.slice(0, Math.max(0, end)),
      body: end === -1 ? '' : text.slice(end + 4),
    };
  }

  return {
    finish() {
      socket.write(body.slice(sentAtOnce));
      return answer();
    },
    answer,
    destroy: () => socket.destroy(),
  };
}

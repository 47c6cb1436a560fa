import { connect } from 'node:net';

/** What came back on one connection, byte for byte. */
export interface RawAnswer {
  /** Of the first answer; 0 where there was none. */
  readonly status: number;
  readonly text: string;
}

const PATIENCE_MS = 5000;

/**
 * Sends bytes as they are, and waits until the other side closes the connection, or is silent for longer than allowed. Letters
 * beyond ASCII go as UTF-8.
 */
export function sendRaw(port: number, bytes: string | Buffer, patienceMs = PATIENCE_MS): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => void socket.write(bytes));
    socket.setTimeout(patienceMs, () => void socket.destroy());
    socket.on('data', (part: Buffer) => void parts.push(part));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const text = Buffer.concat(parts).toString('latin1');
      resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), text });
    });
  });
}

/** The lines of a request without a body that closes its connection. */
export function requestOf(
  target: string,
  host: string,
  { method = 'GET', headers = [] }: { readonly method?: string; readonly headers?: readonly string[] } = {},
): string {
  return [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers, 'Connection: close', '', ''].join(
    '\r\n',
  );
}

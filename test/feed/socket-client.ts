import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';

type Headers = Readonly<Record<string, string>>;

export interface Closing {
  readonly code: number;
  readonly reason: string;
  /** `performance.now()` when it was closed. */
  readonly at: number;
}

/** A client of /ws that keeps what it hears. */
export interface SocketClient {
  readonly ws: WebSocket;
  readonly messages: readonly Record<string, unknown>[];
  readonly closed: Promise<Closing>;
  /** The client's end of the connection. */
  readonly localPort: number;
  send(message: object | string): void;
  /** The first message that fits, of those before or to come. */
  next(fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  close(): void;
}

export interface Refusal {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: IncomingMessage['headers'];
}

const urlOf = (origin: string, path: string): string => origin.replace(/^http/, 'ws') + path;

/** The headers of a page of ours. */
export const asBrowser = (origin: string, sessionCookie: string): Headers => ({
  Origin: origin,
  Cookie: `curfew=${sessionCookie}`,
});

export async function openSocket(origin: string, headers: Headers, path = '/ws'): Promise<SocketClient> {
  const ws = new WebSocket(urlOf(origin, path), { headers, perMessageDeflate: false });
  let localPort = 0;
  ws.once('upgrade', ({ socket }) => {
    localPort = socket.localPort ?? 0;
  });
  const messages: Record<string, unknown>[] = [];
  const closed = new Promise<Closing>((resolve) => {
    ws.once('close', (code, reason) => resolve({ code, reason: reason.toString(), at: performance.now() }));
  });
  ws.on('message', (data: Buffer) => void messages.push(JSON.parse(data.toString())));
  await once(ws, 'open');
  ws.on('error', () => undefined);

  return {
    ws,
    messages,
    closed,
    localPort,
    send: (message) => ws.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(fits) {
      for (;;) {
        const found = messages.find(fits);
        if (found !== undefined) return found;
        await Promise.race([
          once(ws, 'message'),
          closed.then(({ code }) => {
            if (messages.some(fits)) return;
            throw new Error(`The socket was closed with ${code} first`);
          }),
        ]);
      }
    },
    close: () => ws.terminate(),
  };
}

/** A handshake that is refused. Throws where it is accepted. */
export function openInVain(origin: string, headers: Headers, path = '/ws'): Promise<Refusal> {
  const ws = new WebSocket(urlOf(origin, path), { headers });
  return new Promise((resolve, reject) => {
    ws.once('open', () => {
      ws.terminate();
      reject(new Error('The handshake was accepted'));
    });
    ws.on('error', () => undefined);
    ws.once('unexpected-response', async (_req, response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({
        status: response.statusCode ?? 0,
        body: text.startsWith('{') ? JSON.parse(text) : { text },
        headers: response.headers,
      });
    });
  });
}

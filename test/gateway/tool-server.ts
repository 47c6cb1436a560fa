import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { type WebSocket, WebSocketServer } from 'ws';

/** A request as the tool got it. */
export interface ToolRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: { readonly bytes: number; readonly sha256: string; readonly text: string };
}

/** A tool with pages, uploads, downloads, events and sockets, as a home-made dashboard has them. */
export interface ToolServer {
  readonly origin: string;
  readonly requests: readonly ToolRequest[];
  /** Requests and sockets that have begun and not ended yet. */
  openConnections(): number;
  /** TCP connections. */
  countTcp(): Promise<number>;
  /** Answers under a path in a way of its own. */
  answer(path: string, handler: (req: IncomingMessage, res: ServerResponse) => void): void;
  readonly sockets: ReadonlySet<WebSocket>;
  close(): Promise<void>;
}

export const DOWNLOAD_BYTES = 10 * 1024 * 1024;

export async function startTool(): Promise<ToolServer> {
  const requests: ToolRequest[] = [];
  const handlers = new Map<string, (req: IncomingMessage, res: ServerResponse) => void>();
  const open = new Set<IncomingMessage | WebSocket>();
  const wss = new WebSocketServer({ noServer: true });

  const server = createServer((req, res) => {
    open.add(req);
    res.once('close', () => open.delete(req));
    const handler = handlers.get((req.url ?? '').split('?', 1)[0] ?? '');
    if (handler !== undefined) return handler(req, res);
    void record(req).then((request) => {
      requests.push(request);
      answerUsually(request, res);
    });
  });
  server.on('upgrade', (req, socket: Socket, head) => {
    requests.push({ ...toRequest(req), body: EMPTY });
    if (req.url === '/no-socket') {
      socket.end(
        'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nSet-Cookie: curfew=x\r\nX-Tool: yes\r\n\r\nno',
      );
      return;
    }
    wss.handleUpgrade(req, socket, head, (ws) => {
      open.add(ws);
      ws.once('close', () => open.delete(ws));
      ws.on('error', () => undefined);
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
      ws.send('hello');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    openConnections: () => open.size,
    countTcp: () => promisify(server.getConnections.bind(server))(),
    answer: (path, handler) => void handlers.set(path, handler),
    sockets: wss.clients,
    async close() {
      for (const ws of wss.clients) ws.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answerUsually({ method, url, headers, body }: ToolRequest, res: ServerResponse): void {
  const path = url.split('?', 1)[0];
  if (path === '/download') {
    res.writeHead(200, { 'Content-Length': DOWNLOAD_BYTES });
    return void res.end(Buffer.alloc(DOWNLOAD_BYTES, 'd'));
  }
  if (path === '/events') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    let count = 0;
    const timer = setInterval(() => {
      count += 1;
      res.write(`data: ${count}\n\n`);
    }, 20);
    return void res.once('close', () => clearInterval(timer));
  }
  if (path === '/cookies') {
    res.setHeader('Set-Cookie', [
      'tool=1; Path=/',
      'curfew=stolen; Path=/',
      '__Host-curfew=stolen; Path=/; Secure',
      '__Secure-Curfew-theme=dark; Secure',
      '=curfew=nameless',
      'theme=light',
    ]);
    return void res.end();
  }
  res.writeHead(200, 'Tool OK', {
    'Content-Type': 'application/json',
    'X-Tool': 'yes',
    Connection: 'X-Hop, close',
    'X-Hop': 'of this connection',
    'Keep-Alive': 'timeout=7',
    'Proxy-Authenticate': 'Basic',
  });
  res.end(JSON.stringify({ method, url, headers, body }));
}

function toRequest({ method = '', url = '', headers, rawHeaders }: IncomingMessage) {
  return { method, url, headers, rawHeaders };
}

const EMPTY: ToolRequest['body'] = { bytes: 0, sha256: createHash('sha256').digest('hex'), text: '' };

async function record(req: IncomingMessage): Promise<ToolRequest> {
  const hash = createHash('sha256');
  let bytes = 0;
  let text = '';
  try {
    for await (const chunk of req) {
      hash.update(chunk);
      bytes += chunk.length;
      if (text.length < 1000) text += chunk;
    }
  } catch {
    // The client has gone: what came until then is what was got.
  }
  return { ...toRequest(req), body: { bytes, sha256: hash.digest('hex'), text } };
}

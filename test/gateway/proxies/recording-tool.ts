import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';

/** What reached the tool. */
export interface ReceivedRequest {
  /** At which of the tool's ports. */
  readonly port: number;
  readonly method: string;
  /** As it stood in the request line. */
  readonly url: string;
  /** Names as they were sent, and values, in turn. */
  readonly rawHeaders: readonly string[];
  readonly header: (name: string) => string | undefined;
}

/** A tool behind the proxies, as two of them: pages, answers to scripts, an echo, a WebSocket and an event stream. */
export interface RecordingTool {
  readonly ports: readonly [number, number];
  readonly requests: readonly ReceivedRequest[];
  /** All bytes of each connection. */
  connections(): readonly Buffer[];
  /** Sockets and event streams that are open. */
  countOpen(): number;
  forget(): void;
  close(): Promise<void>;
}

const TICK_MS = 50;

const PAGE = `<!doctype html><html lang="en"><title>Tool</title><h1>The tool</h1>
<p id="user"></p><p id="socket"></p><p id="events"></p>
<script>
const socket = new WebSocket(\`ws://\${location.host}/socket\`);
socket.onopen = () => socket.send('hello');
socket.onmessage = ({ data }) => { document.getElementById('socket').textContent = data; };
new EventSource('/events').onmessage = ({ data }) => { document.getElementById('events').textContent = data; };
fetch('/data').then((answer) => answer.json()).then(({ user }) => { document.getElementById('user').textContent = user; });
</script></html>`;

/** As lenient as a tool can be: what a proxy lets through is read, and not refused here. */
export async function startRecordingTool(): Promise<RecordingTool> {
  const requests: ReceivedRequest[] = [];
  const connections: Buffer[][] = [];
  const sockets = new WebSocketServer({ noServer: true });
  let streams = 0;

  const record = (req: IncomingMessage): void => {
    const { method = '', url = '', rawHeaders, headers } = req;
    const header = (name: string): string | undefined => headers[name]?.toString();
    requests.push({ port: req.socket.localPort ?? 0, method, url, rawHeaders, header });
  };

  function answer(req: IncomingMessage, res: ServerResponse): void {
    record(req);
    const path = req.url?.split('?')[0] ?? '';
    if (path.endsWith('/events')) {
      stream(res);
    } else if (req.method === 'POST') {
      echo(req, res).catch(() => res.destroy());
    } else if (path.endsWith('/data')) {
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify({ user: req.headers['remote-user'] }));
    } else {
      res.setHeader('Content-Type', 'text/html').end(PAGE);
    }
  }

  function stream(res: ServerResponse): void {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    streams += 1;
    let count = 0;
    const timer = setInterval(() => {
      count += 1;
      res.write(`data: tick ${count}\n\n`);
    }, TICK_MS);
    res.once('close', () => {
      clearInterval(timer);
      streams -= 1;
    });
  }

  async function echo(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    res.setHeader('Content-Type', 'text/plain').end(Buffer.concat(parts));
  }

  function listen(): Server {
    const server = createServer({ insecureHTTPParser: true }, answer);
    server.on('connection', (socket: Socket) => {
      const parts: Buffer[] = [];
      connections.push(parts);
      socket.on('data', (part: Buffer) => void parts.push(part));
      socket.on('error', () => undefined);
    });
    server.on('upgrade', (req, socket, head) => {
      record(req);
      sockets.handleUpgrade(req, socket, head, (opened) => {
        opened.on('error', () => opened.terminate());
        opened.on('message', (text) => opened.send(`echo of ${text}`));
      });
    });
    return server.listen(0, '127.0.0.1');
  }

  const servers = [listen(), listen()] as const;
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  return {
    ports: [portOf(servers[0]), portOf(servers[1])],
    requests,
    connections: () => connections.map((parts) => Buffer.concat(parts)),
    countOpen: () => sockets.clients.size + streams,
    forget() {
      requests.length = 0;
      connections.length = 0;
    },
    async close() {
      for (const client of sockets.clients) client.terminate();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { PriceFeed, PriceMode } from '../../../src/core/price-feed.ts';

/** A broker's stream as its documentation describes it, on a port of this machine. */
export interface FeedServer {
  readonly feed: PriceFeed;
  readonly credentials: Readonly<Record<string, string>>;
  /** Instruments as the broker's list has them. */
  readonly instruments: readonly Parameters<PriceFeed['keyOf']>[0][];
  issueToken(): string;
  /** From now on it is good for nothing; what is open with it is closed as documented. */
  kill(token: string): void;
  /** In which mode a socket is subscribed to an instrument. */
  modeOf(key: string): PriceMode | 'full' | undefined;
  /** Sends a price in rupees to all that are subscribed, in the mode of each. */
  tick(key: string, price: number): void;
  /** Sends these bytes to all. */
  sendRaw(data: Buffer): void;
  /** Cuts all connections. */
  cut(): void;
  readonly handshakes: number;
  readonly open: number;
  /** What clients did that the documentation forbids. */
  readonly violations: readonly string[];
  close(): Promise<void>;
}

export interface SocketServerOptions {
  readonly onRequest?: RequestListener;
  /** The HTTP status with which a handshake is refused; undefined: it is accepted. */
  readonly refuse: (url: URL, req: IncomingMessage) => number | undefined;
  readonly onSocket: (socket: WebSocket, url: URL) => void;
}

export interface SocketServer {
  readonly host: string;
  readonly sockets: ReadonlySet<WebSocket>;
  readonly handshakes: number;
  close(): Promise<void>;
}

export async function startSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const server = createServer(options.onRequest ?? ((_req, res) => void res.writeHead(404).end()));
  const ws = new WebSocketServer({ noServer: true });
  const sockets = new Set<WebSocket>();
  let handshakes = 0;
  server.on('upgrade', (req, connection: Socket, head) => {
    handshakes += 1;
    const url = new URL(req.url ?? '', 'http://broker');
    const status = options.refuse(url, req);
    if (status !== undefined)
      return void connection.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    ws.handleUpgrade(req, connection, head, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      options.onSocket(socket, url);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    get handshakes() {
      return handshakes;
    },
    async close() {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

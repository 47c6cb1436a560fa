import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { createConnection } from 'node:net';
import { WebSocket } from 'ws';
import type { Visitor } from '../support/visitor.ts';

export interface RelayAnswer {
  readonly status: number;
  readonly message: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface RelayOptions {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

export const TOOL_HOST = 'tool.desk.test';

export const cookieOf = (visitor: Visitor): string => `curfew=${visitor.sessionCookie()}`;

/** Begins a request whose path and headers go out as they are. */
export function begin(origin: string, path: string, options: RelayOptions = {}): ClientRequest {
  const { method = 'GET', host = TOOL_HOST, headers = {} } = options;
  const { hostname, port } = new URL(origin);
  const sent = request({ hostname, port, path, method, headers: { host, ...headers }, agent: false });
  sent.on('error', () => undefined);
  return sent;
}

export async function responseOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

export async function ask(origin: string, path: string, options: RelayOptions = {}): Promise<RelayAnswer> {
  const sent = begin(origin, path, options);
  sent.end(options.body);
  const response = await responseOf(sent);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode ?? 0,
    message: response.statusMessage ?? '',
    headers: response.headers,
    text,
    json: /^[{[]/.test(text) ? JSON.parse(text) : {},
  };
}

/** A WebSocket to the tool, with what it has heard. */
export interface ToolSocket {
  readonly ws: WebSocket;
  readonly heard: readonly string[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export async function openToolSocket(
  origin: string,
  headers: Readonly<Record<string, string>>,
  path = '/socket',
): Promise<ToolSocket> {
  const ws = new WebSocket(origin.replace(/^http/, 'ws') + path, {
    headers: { Host: TOOL_HOST, ...headers },
  });
  const heard: string[] = [];
  ws.on('message', (data) => heard.push(data.toString()));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(ws, 'open');
  ws.on('error', () => undefined);
  return { ws, heard, closed };
}

/** Sends bytes as they are; answers all that came back until the other side closed, or `waitMs` passed. */
export function sendRaw(origin: string, text: string, waitMs = 300): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = createConnection(Number(port), hostname);
    let heard = '';
    const finish = (): void => {
      socket.destroy();
      resolve(heard);
    };
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', finish);
    socket.once('close', finish);
    socket.write(text, 'latin1');
    setTimeout(finish, waitMs);
  });
}

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Request, Response } from 'express';
import type { SocketEnd } from '../../core/close-codes.ts';
import { SECOND_MS } from '../../core/duration.ts';
import { leaveHttp, type Upgrade } from '../../http/upgrade.ts';
import { closeFrame, createFrameBoundary } from './frame-boundary.ts';
import type { RelayOptions } from './relay-http.ts';
import { answerHeaders } from './tool-headers.ts';
import { limitWaiting } from './upstream.ts';

export interface SocketRelayOptions extends Omit<RelayOptions, 'onBroken'> {
  readonly upgrade: Upgrade;
  /**
   * Answers a handshake that came to nothing, at once: when it returns, no more can be written to the client.
   */
  readonly fail: (error: unknown) => void;
}

/** The client gets so long to take a close frame and answer it; then the connection is cut. */
const CLOSE_WITHIN_MS = SECOND_MS / 2;

/** Passes a handshake on to its tool, and then the frames of both sides. Resolves when the client's connection is closed. */
export function relaySocket(req: Request, res: Response, options: SocketRelayOptions): Promise<void> {
  const { upstream, headers, exchange, refusalOf, toFailure, upgrade, fail } = options;
  const client = upgrade.socket;
  req.headers = headers;
  let outgoing: ClientRequest | undefined;
  let state: 'waiting' | 'refused' | 'replied' = 'waiting';

  function refuse(toError: () => Error): void {
    if (state !== 'waiting') return;
    state = 'refused';
    if (!client.destroyed) fail(toError());
  }

  /** The tool opens a socket, or says why not: httpxy writes either past `res`. */
  function passReplyOn(reply: IncomingMessage): void {
    state = 'replied';
    reply.headers = headersOfReply(reply);
    leaveHttp(res, upgrade, reply.statusCode);
  }

  upstream.once('proxyReqWs', (request) => {
    outgoing = request;
    limitWaiting(request);
    // In front of the listeners that write the reply to the client.
    request.once('upgrade', passReplyOn);
    request.once('response', passReplyOn);
  });
  upstream.once('open', (tool) => exchange.open(joinSockets(client, tool)));
  upstream.on('error', (error) => refuse(() => toFailure(error)));
  exchange.open((why) => {
    if (state === 'replied') client.destroy();
    else refuse(() => refusalOf(why));
    outgoing?.destroy();
  });
  return upstream.ws(req, client, {}, upgrade.head);
}

/** Watches over two connections whose frames go to each other. Returns how both are ended. */
function joinSockets(client: Socket, tool: Socket): (why: SocketEnd) => void {
  const sent = createFrameBoundary();
  let hasEnded = false;

  function closeClient(): void {
    client.resume();
    setTimeout(() => client.destroy(), CLOSE_WITHIN_MS).unref();
  }

  tool.on('data', (bytes: Buffer) => sent.push(bytes));
  client.once('close', () => tool.destroy());
  tool.once('close', () => {
    client.end();
    closeClient();
  });
  return function endSockets({ code, reason }) {
    if (hasEnded) return;
    hasEnded = true;
    tool.unpipe(client);
    client.unpipe(tool);
    // In the middle of a frame of the tool's, it would be read as a part of that.
    if (sent.isBetweenFrames && client.writable) client.write(closeFrame(code, reason));
    tool.destroy();
  };
}

/** Headers of a handshake's reply, in the form in which httpxy writes them to the client. */
function headersOfReply(reply: IncomingMessage): IncomingMessage['headers'] {
  const { connection, upgrade, 'transfer-encoding': encoding } = reply.headers;
  const framing = reply.statusCode === 101 ? { connection, upgrade } : { 'transfer-encoding': encoding };
  return { ...framing, ...Object.fromEntries(answerHeaders(reply)) } as IncomingMessage['headers'];
}

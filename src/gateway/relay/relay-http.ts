import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import { CLOSE_CODES, type SocketEnd } from '../../core/close-codes.ts';
import type { Exchange } from './exchange.ts';
import { answerHeaders } from './tool-headers.ts';
import { createUpstream, limitWaiting } from './upstream.ts';

export interface RelayOptions {
  /** Of the tool. */
  readonly origin: string;
  /** What the tool gets in place of the client's headers. */
  readonly headers: IncomingHttpHeaders;
  readonly exchange: Exchange;
  /** What a request is told whose exchange ends before it has an answer. */
  readonly refusalOf: (why: SocketEnd) => Error;
  /** What the client is told where the tool gives no answer. */
  readonly toFailure: (error: unknown) => Error;
  /** Told of an answer that breaks off because the tool does. */
  readonly onBroken: () => void;
}

/**
 * Passes a request on to its tool, and the tool's answer to the client, both as they come. Resolves when the client has the
 * answer or has gone; rejects where the tool gave none.
 */
export function relayHttp(
  req: Request,
  res: Response,
  { origin, headers, exchange, refusalOf, toFailure, onBroken }: RelayOptions,
): Promise<void> {
  const upstream = createUpstream(origin);
  req.headers = headers;
  return new Promise((resolve, reject) => {
    let outgoing: ClientRequest | undefined;
    let hasEnded = false;
    let isStream = false;

    upstream.once('proxyReq', (request) => {
      outgoing = request;
      limitWaiting(request);
      if (hasEnded) request.destroy();
    });
    upstream.once('proxyRes', (answer) => {
      isStream = isEventStream(answer);
      answer.once('close', () => !answer.complete && !res.destroyed && onBroken());
      try {
        passOn(answer, res);
      } catch (error) {
        clearHeaders(res);
        answer.destroy();
        reject(toFailure(error));
      }
    });
    exchange.open((why) => {
      // A server that is about to stop finishes what is in progress; a stream of events has no end to wait for.
      if (why.code === CLOSE_CODES.restarting && !isStream) return;
      hasEnded = true;
      outgoing?.destroy();
      if (res.headersSent) res.destroy();
      else reject(refusalOf(why));
    });
    upstream.web(req, res).then(resolve, (error) => {
      if (hasEnded || req.socket.destroyed) resolve();
      else reject(toFailure(error));
    });
  });
}

/** Throws for what no answer can hold. What this server has written so far belongs to its own answers. */
function passOn(answer: IncomingMessage, res: Response): void {
  clearHeaders(res);
  for (const [name, values] of answerHeaders(answer)) res.setHeader(name, values);
  res.writeHead(answer.statusCode ?? 0, answer.statusMessage);
  // Its first byte may come much later: the client is to know before that it was answered.
  if (answer.headers['content-length'] === undefined) res.flushHeaders();
  answer.pipe(res);
}

function clearHeaders(res: Response): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
}

const isEventStream = ({ headers }: IncomingMessage): boolean =>
  headers['content-type']?.toLowerCase().startsWith('text/event-stream') ?? false;

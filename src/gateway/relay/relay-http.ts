import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import type { ProxyServer } from 'httpxy';
import { CLOSE_CODES, type SocketEnd } from '../../core/close-codes.ts';
import type { Exchange } from './exchange.ts';
import { answerHeaders } from './tool-headers.ts';
import { limitWaiting } from './upstream.ts';

export interface RelayOptions {
  /** The tool, for this request alone. */
  readonly upstream: ProxyServer;
  /** Headers for the tool, in place of the client's. */
  readonly headers: IncomingHttpHeaders;
  readonly exchange: Exchange;
  /** The error for a request whose exchange ends before it has an answer. */
  readonly refusalOf: (why: SocketEnd) => Error;
  /** The error for the client where the tool gives no answer. */
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
  { upstream, headers, exchange, refusalOf, toFailure, onBroken }: RelayOptions,
): Promise<void> {
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
      answer.once('error', () => !hasEnded && !res.destroyed && onBroken());
      passOn(answer, res, (error) => reject(toFailure(error)));
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

/** Passes a tool's answer on. What this server has set so far belongs to its own answers. `fail`: for what no answer can hold. */
function passOn(answer: IncomingMessage, res: Response, fail: (error: unknown) => void): void {
  try {
    clearHeaders(res);
    for (const [name, values] of answerHeaders(answer)) res.setHeader(name, values);
    res.writeHead(answer.statusCode ?? 0, answer.statusMessage);
  } catch (error) {
    clearHeaders(res);
    answer.destroy();
    fail(error);
    return;
  }
  // Its first byte may come much later: the client is to know before that it was answered. `flushHeaders` would send the
  // bytes of a header as UTF-8.
  if (answer.headers['content-length'] === undefined) res.write(Buffer.alloc(0));
  answer.pipe(res);
}

function clearHeaders(res: Response): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
}

const isEventStream = ({ headers }: IncomingMessage): boolean =>
  headers['content-type']?.toLowerCase().startsWith('text/event-stream') ?? false;

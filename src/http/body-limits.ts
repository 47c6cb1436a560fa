import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../errors.ts';
import { BESIDE_FILE_BYTES } from './multipart.ts';
import { policyOf } from './route-policy.ts';

export interface BodyLimits {
  readonly mostBytes: number;
  readonly withinMs: number;
}

/** Of forms and JSON. Parsers may take less. */
export const FORM_LIMITS: BodyLimits = { mostBytes: 32 * 1024, withinMs: 20 * SECOND_MS };
/** A large file over a slow line; a session that ends meanwhile cuts it short. */
export const UPLOAD_WITHIN_MS = 15 * MINUTE_MS;

/** Bytes of a refused client that are dropped; more is not read, so that it has to wait. */
const DROPPED_BYTES = 1024 * 1024;
const CLOSED_AFTER_MS = SECOND_MS;

/**
 * Counts the bytes of a body from the first one on, for any reader, and looks at the time. What is too large or too slow
 * is answered at once, without waiting for its end, and its connection is closed. Parsers would read a refused body to its
 * end first, and an endless one has none.
 */
export function createBodyLimits(formLimits: BodyLimits = FORM_LIMITS): RequestHandler {
  return function limitBody(req, res, next) {
    if (!hasBody(req) || policyOf(req).relayedAs !== undefined) return next();
    const upload = req.method === 'POST' ? policyOf(req).upload : undefined;
    const { mostBytes, withinMs } = upload === undefined ? formLimits : uploadLimits(upload.mostBytes);
    let refused = false;

    function refuse(error: AppError): void {
      if (refused) return;
      refused = true;
      clearTimeout(timer);
      closeInStages(req);
      if (res.headersSent) return;
      res.set('Connection', 'close');
      // A handler that reads the body waits for it, and does not answer. One that does not read it answers all the same.
      if (announced > mostBytes || req.listenerCount('data') > 0) next(error);
      else req.on('newListener', (event) => event === 'data' && queueMicrotask(() => next(error)));
    }

    const announced = Number(req.headers['content-length'] ?? 0);
    const timer = setTimeout(() => refuse(tooSlow()), withinMs).unref();
    req.once('close', () => clearTimeout(timer));
    if (announced > mostBytes) return refuse(tooLarge(upload?.mostBytes));
    count(req, {
      mostBytes,
      onEnd: () => clearTimeout(timer),
      onExcess: () => refuse(tooLarge(upload?.mostBytes)),
    });
    next();
  };
}

export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

interface Counting {
  readonly mostBytes: number;
  readonly onEnd: () => void;
  readonly onExcess: () => void;
}

/** Every reader's bytes pass `push` first (nodejs.org/api/stream.html, readable.push), also those that nothing reads. */
function count(req: Request, { mostBytes, onEnd, onExcess }: Counting): void {
  const push = req.push.bind(req);
  let received = 0;
  req.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null) onEnd();
    else received += chunk.length;
    if (received <= mostBytes) return push(chunk, encoding);
    onExcess();
    return true;
  };
}

/**
 * Closes the connection in stages (RFC 9112, 9.6): our side at once, and the rest when the client has had time to read the
 * answer. Node would destroy it with bytes unread, and the reset that follows takes the answer away from the client.
 */
function closeInStages(req: Request): void {
  const { socket } = req;
  socket.destroySoon = () => void socket.end();
  setTimeout(() => socket.destroy(), CLOSED_AFTER_MS).unref();
  let dropped = 0;
  req.push = (chunk: Buffer | null) => {
    dropped += chunk?.length ?? 0;
    return dropped < DROPPED_BYTES;
  };
}

const uploadLimits = (fileBytes: number): BodyLimits => ({
  mostBytes: fileBytes + BESIDE_FILE_BYTES,
  withinMs: UPLOAD_WITHIN_MS,
});

function tooLarge(fileBytes: number | undefined): AppError {
  if (fileBytes === undefined)
    return new AppError('too_large', 'The request is larger than this address takes.');
  const words = `The file is too large: it may have ${Math.floor(fileBytes / 1024 / 1024)} MB.`;
  return new AppError('too_large', words, { fields: { file: words } });
}

function tooSlow(): AppError {
  return new AppError('timeout', 'The request took too long to arrive. Nothing was changed: send it again.');
}

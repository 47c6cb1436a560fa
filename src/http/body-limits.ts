import type { Request, RequestHandler, Response } from 'express';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../errors.ts';

/** What a request to one path may bring, where that is more than any other may. */
export interface BodyAllowance {
  readonly path: string;
  readonly mostBytes: number;
  /** What to say to a person who sent more. */
  readonly describe: string;
}

export interface BodyLimits {
  readonly mostBytes: number;
  readonly withinMs: number;
}

/** Of forms and JSON. Parsers may take less. */
export const FORM_LIMITS: BodyLimits = { mostBytes: 32 * 1024, withinMs: 20 * SECOND_MS };
/** A large file over a slow line; a session that ends meanwhile cuts it short. */
export const UPLOAD_WITHIN_MS = 15 * MINUTE_MS;

/** What a client that was refused may still send, and for how long: it reads the answer only when it is not cut off at once. */
const DRAINED_BYTES = 1024 * 1024;
const DRAINED_FOR_MS = SECOND_MS;

/**
 * Counts the bytes of a body from the first one on, whoever reads them, and looks at the time. What is too large or too slow
 * is answered at once, without waiting for its end, and its connection is closed. Parsers would read a refused body to its
 * end first, and an endless one has none.
 */
export function createBodyLimits(allowances: readonly BodyAllowance[]): RequestHandler {
  const allowed = new Map(allowances.map((allowance) => [allowance.path, allowance]));

  return function limitBody(req, res, next) {
    if (!hasBody(req)) return next();
    const upload = req.method === 'POST' ? allowed.get(req.path) : undefined;
    const limits = upload === undefined ? FORM_LIMITS : { ...upload, withinMs: UPLOAD_WITHIN_MS };
    const refuse = createRefusal(req, res, next);
    const refuseSize = (): void => refuse(tooLarge(upload));
    if (Number(req.headers['content-length'] ?? 0) > limits.mostBytes) return refuseSize();
    watch(req, limits, { refuseSize, refuseDelay: () => refuse(tooSlow()) });
    next();
  };
}

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

interface Refusals {
  readonly refuseSize: () => void;
  readonly refuseDelay: () => void;
}

function watch(req: Request, { mostBytes, withinMs }: BodyLimits, refusals: Refusals): void {
  const timer = setTimeout(refusals.refuseDelay, withinMs).unref();
  req.once('close', () => clearTimeout(timer));
  const push = req.push.bind(req);
  let received = 0;
  // Every reader's bytes pass here first (nodejs.org/api/stream.html, readable.push), also those that nobody reads.
  req.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null) clearTimeout(timer);
    else received += chunk.length;
    if (received <= mostBytes) return push(chunk, encoding);
    refusals.refuseSize();
    return true;
  };
}

/** Answers once, then lets the client finish reading, and closes the connection. */
function createRefusal(req: Request, res: Response, next: (error: AppError) => void) {
  let refused = false;

  function close(): void {
    const { socket } = req;
    const destroy = (): void => void socket.destroy();
    setTimeout(destroy, DRAINED_FOR_MS).unref();
    let drained = 0;
    req.push = (chunk: Buffer | null) => {
      drained += chunk?.length ?? 0;
      if (drained > DRAINED_BYTES) destroy();
      return true;
    };
    req.resume();
  }

  return function refuse(error: AppError): void {
    if (refused) return;
    refused = true;
    if (res.headersSent) return close();
    res.set('Connection', 'close');
    res.once('finish', close);
    next(error);
  };
}

function tooLarge(upload: BodyAllowance | undefined): AppError {
  if (upload === undefined)
    return new AppError('too_large', 'The request is larger than this address takes.');
  return new AppError('too_large', upload.describe, { fields: { file: upload.describe } });
}

function tooSlow(): AppError {
  return new AppError('timeout', 'The request took too long to arrive. Nothing was changed: send it again.');
}

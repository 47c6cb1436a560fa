import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { Request, RequestHandler, Response } from 'express';
import { type AppError, invalid } from '../errors.ts';
import { policyOf } from './route-policy.ts';

/** A file that comes with a form. None of it has been read yet; the caller reads the stream to its end. */
export interface UploadedFile {
  /** As the sender calls it, without folders; '' where no file was chosen. */
  readonly name: string;
  /** Is destroyed with an error when the sender breaks off. */
  readonly stream: Readable;
}

/** For boundaries, headers and the other fields. */
export const BESIDE_FILE_BYTES = 64 * 1024;
const LIMITS = {
  fields: 10,
  fieldNameSize: 100,
  fieldSize: 1000,
  files: 1,
  parts: 11,
  headerPairs: 20,
} as const;

const uploads = new WeakMap<Request, UploadedFile>();

/** The file that came with the form; undefined when there is no part for one. */
export const uploadedFile = (req: Request): UploadedFile | undefined => uploads.get(req);

/**
 * Reads multipart forms at the paths that take a file: the fields in front of the file, and no byte of the file itself.
 * They become the request's body, so that the CSRF token among them is checked, by the same middleware and in the same
 * way as on any other form, before anything is received. A form whose token stands behind the file has none.
 */
export const readMultipart: RequestHandler = function readMultipart(req, res, next) {
  const type = req.headers['content-type'];
  const takesFile = req.method === 'POST' && policyOf(req).upload !== undefined;
  if (!takesFile || type === undefined || !/^multipart\/form-data/i.test(type)) return next();
  const parser = createParser(req, type);
  if (parser === undefined) return next(unreadable());
  readFields(req, parser, next);
  discardRest(req, res, parser);
};

function createParser(req: Request, type: string): BusboyInstance | undefined {
  try {
    return new Busboy({ headers: { ...req.headers, 'content-type': type }, limits: LIMITS });
  } catch {
    // Without a boundary, for one.
    return undefined;
  }
}

/** Goes on at the beginning of the file, or at the end of a form without one. */
function readFields(req: Request, parser: BusboyInstance, next: (error?: unknown) => void): void {
  const fields = new Map<string, string>();
  let file: Readable | undefined;
  let done = false;

  function goOn(error?: unknown): void {
    if (done) return;
    done = true;
    req.body = Object.fromEntries(fields);
    next(error);
  }

  function breakOff(error: Error): void {
    file?.destroy(error);
    goOn(unreadable());
  }

  parser.on('field', (name, value, _nameTruncated, truncated) => {
    if (!truncated && !fields.has(name)) fields.set(name, value);
  });
  parser.on('file', (_field, stream, name) => {
    file = stream;
    // There may be no listener yet, or any more.
    stream.on('error', () => undefined);
    uploads.set(req, { name: name ?? '', stream });
    goOn();
  });
  parser.on('finish', () => goOn());
  parser.on('error', (error) => breakOff(error instanceof Error ? error : new Error(String(error))));
  req.once('close', () => {
    if (!req.complete) breakOff(new Error('The upload was broken off'));
  });
  req.pipe(parser);
}

/** Once the answer is out, what still comes is thrown away: a browser reads no answer before it has sent everything. */
function discardRest(req: Request, res: Response, parser: BusboyInstance): void {
  res.once('finish', () => {
    req.unpipe(parser);
    req.resume();
  });
}

const unreadable = (): AppError => invalid({ file: 'The form could not be read. Send it again.' });

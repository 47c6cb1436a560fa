import type { Response } from 'express';
import type { AppError } from '../errors.ts';

/** The headers of every answer that tells an error, whatever its body. */
export function setErrorHeaders(res: Response, { headers, retryAfterSeconds }: AppError): void {
  res.set(headers).set('Cache-Control', 'no-store');
  if (retryAfterSeconds !== undefined) res.set('Retry-After', String(retryAfterSeconds));
}

/** Answers a program with an error. */
export function sendErrorJson(res: Response, { status, code, message, fields, details }: AppError): void {
  const more = fields === undefined ? {} : { fields };
  res.status(status).json({ status: 'error', error: code, message, ...more, ...details });
}

import type { Request, Response } from 'express';
import type { AppError } from '../errors.ts';
import { hasBody } from '../http/body-limits.ts';
import { sendErrorJson, setErrorHeaders } from '../http/error-answer.ts';
import { sendPlainPage } from '../http/plain-page.ts';
import { type AskedRequest, askedOf } from './asked-request.ts';

/** Answers a request of the gateway that was not let through; false for any other request. */
export function answerRefusal(req: Request, res: Response, error: AppError): boolean {
  const asked = askedOf(req);
  if (asked === undefined) return false;
  setErrorHeaders(res, error);
  // The rest of the body was for the tool, and is not read.
  if (asked.kind === 'relay' && hasBody(req) && !req.complete) res.set('Connection', 'close');
  const { location } = error.details ?? {};
  const elsewhere = typeof location === 'string' ? location : undefined;
  if (asked.kind === 'nginx') answerNginx(res, error, elsewhere);
  else if (!isNavigation(req, asked)) sendErrorJson(res, error);
  else if (elsewhere !== undefined) res.redirect(303, elsewhere);
  else sendPlainPage(res.status(error.status), { heading: HEADING, text: error.message });
  return true;
}

const HEADING = 'Not let through';

/**
 * auth_request knows 401 and 403, and makes a 500 of all others; a proxy that sends too little is misconfigured, and its
 * log is to say so. X-Curfew-Refusal has the code, for configurations that answer more exactly.
 */
function answerNginx(res: Response, error: AppError, location: string | undefined): void {
  res.set('X-Curfew-Refusal', error.code);
  if (location !== undefined) res.set('Location', location);
  const status = error.code === 'invalid' ? 400 : location !== undefined || error.status === 401 ? 401 : 403;
  res.status(status).type('text').send(`${error.message}\n`);
}

/** Whether a browser asks for a page to show: a script could not follow a redirect to another origin, and a socket none at all. */
function isNavigation(req: Request, { target }: AskedRequest): boolean {
  if (target instanceof Error || (target.method !== 'GET' && target.method !== 'HEAD')) return false;
  if (req.get('sec-websocket-key') !== undefined || req.get('upgrade') !== undefined) return false;
  const mode = req.get('sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  return req.get('x-requested-with') === undefined && (req.get('accept') ?? '').includes('text/html');
}

import type { Request } from 'express';
import { upgradeOf } from './upgrade.ts';

/**
 * Whether the answer goes to a program: to the handshake of a socket, an Accept header without text/html, an
 * X-Requested-With header, or a JSON body. A request without any Accept header says nothing, and gets the page.
 */
export function wantsJson(req: Request): boolean {
  if (upgradeOf(req) !== undefined) return true;
  const { accept } = req.headers;
  if (accept !== undefined && !accept.toLowerCase().includes('text/html')) return true;
  if (req.headers['x-requested-with'] !== undefined) return true;
  return req.headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
}

import type { Request } from 'express';
import { AppError } from '../../errors.ts';
import { isSafeMethod } from '../../http/methods.ts';
import { upgradeOf } from '../../http/upgrade.ts';
import { originOf, type Target } from '../rules.ts';

/**
 * Refuses what the page of another site sends with the session's cookie: a change of state (Fetch Metadata, then Origin; ASVS
 * 3.5.1), and a WebSocket, for which no cookie's SameSite holds and every browser sends its Origin (ASVS 4.4.2). A page of a
 * sibling host is of another site as well: it may be another tool. Throws `csrf`.
 */
export function refuseForeign(req: Request, target: Target): void {
  if (upgradeOf(req) !== undefined) {
    if (req.get('origin') !== originOf(target)) throw new AppError('csrf', FOREIGN_SOCKET);
  } else if (!isSafeMethod(req.method) && !isOwn(req, target)) throw new AppError('csrf', FOREIGN);
}

function isOwn(req: Request, target: Target): boolean {
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = req.get('origin');
  return origin === undefined || origin === originOf(target);
}

const FOREIGN =
  'This request came from another site than the tool it is for, and was not passed on. A program sends an API key in a header instead of a cookie.';
const FOREIGN_SOCKET =
  'A socket to this tool is opened by a page of its own, whose Origin is the tool’s, or by a program with an API key in a header.';

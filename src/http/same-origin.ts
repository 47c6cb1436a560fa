import type { Request, RequestHandler } from 'express';
import type { Log } from '../core/log.ts';
import { AppError } from '../errors.ts';
import { routeClassOf } from './route-policy.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

const LONGEST_ORIGIN = 100;
const MOST_TOLD = 20;

/**
 * Refuses a state change that a browser says comes from another site (Fetch Metadata, then Origin; ASVS 3.5.1), beside
 * the CSRF token. A program that sends neither header has no cookie to be abused either. The API has no cookies at all.
 * Where it is Curfew's own page at an address that BASE_URL does not name, page and log say so.
 */
export function createSameOrigin(baseUrl: string, log: Pick<Log, 'warn'>): RequestHandler {
  const told = new Set<string>();

  function refusal(req: Request): AppError {
    const origin = ownPageElsewhere(req, baseUrl);
    if (origin === undefined)
      return new AppError('csrf', 'This request came from another site and was not carried out.');
    if (!told.has(origin) && told.size < MOST_TOLD) {
      told.add(origin);
      log.warn(
        { origin, baseUrl },
        `A form of the page at ${origin} was refused, since BASE_URL is ${baseUrl}. If that is the address that browsers open, set BASE_URL=${origin} in .env and restart`,
      );
    }
    return new AppError(
      'csrf',
      `This page was opened at ${origin}, but this server's BASE_URL is ${baseUrl}. Open ${baseUrl}, or set BASE_URL=${origin} in .env and restart the server.`,
    );
  }

  return function sameOrigin(req, _res, next) {
    if (SAFE_METHODS.has(req.method) || routeClassOf(req) === 'api' || isOwn(req, baseUrl)) return next();
    next(refusal(req));
  };
}

/** The origin of the page, where the browser opened it at this very server but under a name that is not BASE_URL's. */
function ownPageElsewhere(req: Request, baseUrl: string): string | undefined {
  const origin = URL.parse(req.get('origin') ?? '')?.origin;
  if (origin === undefined || origin === baseUrl || origin.length > LONGEST_ORIGIN) return undefined;
  const site = req.get('sec-fetch-site');
  const isOwnPage = site === undefined ? new URL(origin).host === req.get('host') : site === 'same-origin';
  return isOwnPage ? origin : undefined;
}

function isOwn(req: Request, baseUrl: string): boolean {
  const site = req.get('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const origin = req.get('origin');
  return origin === undefined || origin === baseUrl;
}

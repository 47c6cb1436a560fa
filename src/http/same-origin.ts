import type { Request, RequestHandler } from 'express';
import { AppError } from '../errors.ts';
import { routeClassOf } from './route-policy.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses a state change that a browser says comes from another site (Fetch Metadata, then Origin; ASVS 3.5.1), beside
 * the CSRF token. A program that sends neither header has no cookie to be abused either. The API has no cookies at all.
 */
export function createSameOrigin(baseUrl: string): RequestHandler {
  return function sameOrigin(req, _res, next) {
    if (SAFE_METHODS.has(req.method) || routeClassOf(req) === 'api' || isOwn(req, baseUrl)) return next();
    next(new AppError('csrf', 'This request came from another site and was not carried out.'));
  };
}

function isOwn(req: Request, baseUrl: string): boolean {
  const site = req.get('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const origin = req.get('origin');
  return origin === undefined || origin === baseUrl;
}

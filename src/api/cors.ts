import type { RequestHandler } from 'express';

/** Headers of an answer that a page may read besides its body. */
const EXPOSED = 'ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id';
const ALLOWED_HEADERS = 'Authorization, Content-Type, X-API-Key';
const ALLOWED_METHODS = 'GET, HEAD, POST';
const PREFLIGHT_KEPT_SECONDS = 600;

/**
 * Lets pages of the origins in CORS_ORIGINS call the API (ASVS 3.4.2): compared as a whole, never by a pattern, and without
 * credentials, since the API has no cookies. A page of any other origin gets an answer that its browser keeps from it.
 */
export function createCors({ origins }: { readonly origins: readonly string[] }): RequestHandler {
  const allowed = new Set(origins);
  return function cors(req, res, next) {
    // Also for those who are not let in: a cache between must not give one origin's answer to another.
    res.vary('Origin');
    const origin = req.get('origin');
    if (origin === undefined || !allowed.has(origin)) return next();
    res.set('Access-Control-Allow-Origin', origin);
    res.set('Access-Control-Expose-Headers', EXPOSED);
    if (req.method === 'OPTIONS' && req.get('access-control-request-method') !== undefined) {
      res.set('Access-Control-Allow-Methods', ALLOWED_METHODS);
      res.set('Access-Control-Allow-Headers', ALLOWED_HEADERS);
      res.set('Access-Control-Max-Age', String(PREFLIGHT_KEPT_SECONDS));
    }
    next();
  };
}

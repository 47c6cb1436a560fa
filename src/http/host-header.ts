import type { RequestHandler } from 'express';
import { AppError } from '../errors.ts';

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Sends a visitor at `localhost` to the loopback name of BASE_URL. Cookies and the broker's way back belong to one
 * name: with the other one, forms would be refused as foreign and a broker's answer would find no session.
 */
export function createCanonicalHost(baseUrl: string): RequestHandler {
  const base = new URL(baseUrl);
  return function canonicalHost(req, res, next) {
    const { host } = req.headers;
    if (
      host === base.host ||
      !LOOPBACK_NAMES.has(base.hostname) ||
      (req.method !== 'GET' && req.method !== 'HEAD')
    ) {
      return next();
    }
    const asked = URL.parse(`http://${host}`);
    if (asked === null || asked.port !== base.port || !LOOPBACK_NAMES.has(asked.hostname)) return next();
    res.redirect(307, base.origin + pathOf(req.originalUrl));
  };
}

/** A proxy's client names the whole address (RFC 9112, 3.2.2); of that the path is ours. */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  const url = URL.parse(target);
  return url === null ? '/' : url.pathname + url.search;
}

/** Refuses a request with several Host headers (RFC 9112, 3.2): a proxy in front may have gone by another one than we. */
export const refuseTwoHosts: RequestHandler = (req, _res, next) => {
  const names = req.rawHeaders.filter((_, index) => index % 2 === 0);
  const hosts = names.filter((name) => name.toLowerCase() === 'host');
  if (hosts.length <= 1) return next();
  const words = 'The request has more than one Host header.';
  next(new AppError('invalid', words, { fields: {} }));
};

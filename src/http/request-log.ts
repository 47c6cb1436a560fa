import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { loggedPath } from './logged-path.ts';

/** A line for each answer: refused and failed ones at `info`, the rest at `debug`. Never the query, a header or a body. */
export function createRequestLog(log: Logger): RequestHandler {
  return function requestLog(req, res, next) {
    if (!log.isLevelEnabled('info')) return next();
    const startedAt = performance.now();
    const path = loggedPath(req.path);
    res.once('finish', () => {
      const level = res.statusCode >= 400 ? 'info' : 'debug';
      if (!log.isLevelEnabled(level)) return;
      log[level](
        {
          requestId: res.locals['requestId'],
          method: req.method,
          path,
          status: res.statusCode,
          ms: Math.round(performance.now() - startedAt),
        },
        'request',
      );
    });
    next();
  };
}

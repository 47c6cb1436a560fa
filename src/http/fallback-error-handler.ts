import type { ErrorRequestHandler } from 'express';
import type { Log } from '../core/log.ts';

/**
 * Behind the error handler, for when its own page fails: plain words. Express's answer would show the stack, and the
 * folders of the machine with it (ASVS 16.5.1).
 */
export function createFallbackErrorHandler(log: Log): ErrorRequestHandler {
  return function sayPlainly(error: unknown, _req, res, _next) {
    log.error({ requestId: res.locals['requestId'], err: error }, 'The error page itself failed');
    if (res.headersSent) return void res.destroy();
    const requestId = String(res.locals['requestId'] ?? '');
    res
      .status(500)
      .set('Cache-Control', 'no-store')
      .type('text')
      .send(`Something went wrong on the server. Try again in a moment. The request id is ${requestId}.`);
  };
}

import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';

/** Names each request, in the answer and in every log line and audit entry about it. What the client sends is not believed. */
export function createRequestId(): RequestHandler {
  return function requestId(_req, res, next) {
    const id = randomUUID();
    res.locals['requestId'] = id;
    res.setHeader('X-Request-Id', id);
    next();
  };
}

import type { Logger } from 'pino';
import type { RequestObserver } from './request-watch.ts';

/** A line for each answer: refused and failed ones at `info`, the rest at `debug`. Never the query, a header or a body. */
export function createRequestLog(log: Logger): RequestObserver {
  return function logRequest({ requestId, method, path, status, durationMs }) {
    const level = status >= 400 ? 'info' : 'debug';
    if (log.isLevelEnabled(level))
      log[level]({ requestId, method, path, status, ms: Math.round(durationMs) }, 'request');
  };
}

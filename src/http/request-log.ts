import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import { addressBucket, clientAddress } from './client-address.ts';
import { createRefusalSampler } from './refusal-sampler.ts';
import type { RequestObserver } from './request-watch.ts';

export interface RequestLog extends Pick<Poller, 'start' | 'stop'> {
  readonly observe: RequestObserver;
  /** Writes the summaries of the minutes that are over; with `atOnce`, of this one as well. */
  summarise(options?: { readonly atOnce?: boolean }): void;
}

const SUMMARISE_EVERY_MS = 5 * SECOND_MS;

/**
 * A line for each answer: refused and failed ones at `info`, the rest at `debug`. Of a client that is refused again and
 * again, the first lines of a minute and then one with the count. Never the query, a header or a body.
 */
export function createRequestLog({
  log,
  clock,
}: {
  readonly log: Logger;
  readonly clock: Clock;
}): RequestLog {
  const sampler = createRefusalSampler({ clock, clientAddress, bucketOf: addressBucket });

  function summarise(options?: { readonly atOnce?: boolean }): void {
    for (const { last, requests } of sampler.takeSummaries(options)) {
      const { requestId, method, path, status } = last;
      log.info({ requests, last: { requestId, method, path }, status }, 'further requests refused');
    }
  }

  const poller = createPoller({
    intervalMs: SUMMARISE_EVERY_MS,
    work: async () => summarise(),
    onError: () => undefined,
  });

  return {
    observe(served) {
      const { requestId, method, path, status, durationMs } = served;
      const level = status >= 400 ? 'info' : 'debug';
      if (!log.isLevelEnabled(level) || !sampler.takesInFull(served)) return;
      log[level]({ requestId, method, path, status, ms: Math.round(durationMs) }, 'request');
    },
    summarise,
    start: poller.start,
    async stop() {
      await poller.stop();
      summarise({ atOnce: true });
    },
  };
}

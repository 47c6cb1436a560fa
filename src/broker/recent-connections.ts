import type { Clock } from '../core/clock.ts';
import { DAY_MS } from '../core/duration.ts';
import type { RecentConnection, TokenStore } from './token-store.ts';

/** Longer than any run of holidays on which the exchanges are closed. */
export const LOOK_BACK_MS = 10 * DAY_MS;

export interface RecentConnectionsDeps {
  readonly tokens: Pick<TokenStore, 'listRecent'>;
  readonly clock: Clock;
}

/**
 * A user's connections of the last ten days, and those that are open; the open ones first, then the newest.
 * All questions on behalf of one request get the same reading: a page and the banner above it pay for one query
 * and never contradict each other. Nothing is kept beyond the request.
 */
export type RecentConnections = (userId: string, request?: object) => Promise<readonly RecentConnection[]>;

export function createRecentConnections({ tokens, clock }: RecentConnectionsDeps): RecentConnections {
  const readings = new WeakMap<object, Promise<readonly RecentConnection[]>>();

  return function recentConnections(userId, request) {
    const known = request && readings.get(request);
    if (known !== undefined) return known;
    const reading = tokens.listRecent(userId, clock.now() - LOOK_BACK_MS);
    if (request !== undefined) readings.set(request, reading);
    return reading;
  };
}

import type { RequestHandler } from 'express';
import { readBearer, refuseToken } from './profile-endpoint.ts';
import type { SandboxContext } from './sandbox-context.ts';

/** Lets a live feed token into the market, and says when that trades. */
export function createMarketEndpoint({ store, clock, marketHours }: SandboxContext): RequestHandler {
  return async function openMarket(req, res) {
    const token = readBearer(req);
    const subject = token === undefined ? undefined : await store.findSubject(token, clock.now(), 'feed');
    if (subject === undefined) return refuseToken(res, token);
    res.json({ hours: marketHours });
  };
}

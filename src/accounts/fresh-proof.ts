import { type Request, type RequestHandler, Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { AppError } from '../errors.ts';
import { placeToReturnTo } from '../http/return-to.ts';
import { wantsJson } from '../http/wants-json.ts';
import { currentSession } from '../sessions/current-session.ts';

/** How old the last proof may be where a form is asked for. */
const FOR_A_FORM_MS = 10 * MINUTE_MS;
/** And where it is sent: who was asked before it was shown has time to fill it in. */
const FOR_AN_ACT_MS = 30 * MINUTE_MS;

export const CONFIRM = '/auth/confirm';

type Method = 'get' | 'post';
const BOTH = ['get', 'post'] as const;

/**
 * What a stolen session must not be enough for (ASVS 7.5.1, 7.5.3): in one place, since each room would forget some. Of
 * one's own devices the list may be seen, and ending one wants the proof (7.5.2).
 */
const SENSITIVE: readonly (readonly [path: string, methods: readonly Method[]])[] = [
  ['/api-keys', ['post']],
  ['/api-keys/new', ['get']],
  ['/api-keys/:id/addresses', ['post']],
  ['/api-keys/everybody/:id/address-release', ['post']],
  ['/broker/:broker/credentials', BOTH],
  ['/broker/:broker/credentials/removal', ['post']],
  ['/telegram/bot', ['post']],
  ['/telegram/bot/removal', ['post']],
  ['/telegram/chat', ['post']],
  ['/telegram/chat/detection', ['post']],
  ['/strategies/:id/signing-secret', ['post']],
  ['/strategies/:id/signing-secret/removal', ['post']],
  ['/strategies/:id/allowed-addresses', ['post']],
  ['/sessions/revocation', ['post']],
  ['/sessions/:deviceId/revocation', ['post']],
  ['/users', ['post']],
  ['/users/new', ['get']],
  ['/users/:id/:act', BOTH],
  ['/security/sessions/revocation', BOTH],
  ['/security/sessions/:userId/revocation', BOTH],
  ['/security/sessions/:userId/:deviceId/revocation', BOTH],
  ['/security/bans', ['post']],
  ['/security/bans/new', ['get']],
  ['/security/bans/import', BOTH],
  ['/security/bans/:id/lifting', BOTH],
  ['/security/allow-list', BOTH],
  ['/security/allow-list/removal', BOTH],
  ['/security/thresholds', BOTH],
  ['/security/csp-reports/clearing', BOTH],
];

/** Stands in front of the rooms: sends to the password whoever wants to do something sensitive on an old proof. */
export function createFreshProof(clock: Clock): RequestHandler {
  const router = Router({ caseSensitive: true });
  const requireFreshProof = createRequireFreshProof(clock);
  // Of every method, so that the router leaves what it does not ask about (OPTIONS) to the room.
  for (const [path, methods] of SENSITIVE)
    router.all(path, (req, res, next) =>
      methods.includes(req.method === 'POST' ? 'post' : 'get') ? requireFreshProof(req, res, next) : next(),
    );
  return router;
}

function createRequireFreshProof(clock: Clock): RequestHandler {
  return function requireFreshProof(req, res, next) {
    const isForm = req.method === 'GET' || req.method === 'HEAD';
    // Where a clock was put back, the proof may lie in the future: that makes it no fresher.
    const age = Math.abs(clock.now() - lastProofAt(req));
    if (age < (isForm ? FOR_A_FORM_MS : FOR_AN_ACT_MS)) return next();
    if (wantsJson(req))
      throw new AppError('forbidden', `Enter your password again first, at ${CONFIRM}. Nothing was changed.`);
    const returnTo = placeToReturnTo(req);
    const query = new URLSearchParams({
      ...(returnTo === undefined ? {} : { returnTo }),
      ...(isForm ? {} : { again: 'yes' }),
    });
    res.redirect(303, `${CONFIRM}?${query}`);
  };
}

/** A sign-in is a proof, the first of its session. In ms since the epoch. */
function lastProofAt(req: Request): number {
  return req.session.provedAt ?? currentSession(req).loginTime;
}

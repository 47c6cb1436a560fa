import { type RequestHandler, Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { createReauthentication } from '../sessions/reauthentication.ts';

type Method = 'get' | 'post';
const BOTH = ['get', 'post'] as const;

/**
 * What a stolen session must not be enough for (ASVS 7.5.1, 7.5.3): in one place, since each room would forget some. Of
 * one's own devices the list may be seen, and ending one wants the proof (7.5.2). Where it depends on the change itself
 * whether more can be traded or read afterwards, the feature asks: `widensStrategy`, `widensKinds`.
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
  ['/strategies', ['post']],
  ['/strategies/new', ['get']],
  ['/strategies/:id/activation', ['post']],
  ['/strategies/:id/webhook', ['post']],
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
  ['/security/thresholds/alerts', ['post']],
];

/** Stands in front of the features: asks for the password where something sensitive is wanted and the last time is long ago. */
export function createFreshProof(clock: Clock): RequestHandler {
  const router = Router({ caseSensitive: true });
  const reauthentication = createReauthentication(clock);
  // Of every method, so that the router leaves what it does not ask about (OPTIONS) to the feature.
  for (const [path, methods] of SENSITIVE)
    router.all(path, (req, res, next) => {
      const isSensitive = methods.includes(req.method === 'POST' ? 'post' : 'get');
      return isSensitive && reauthentication.isDue(req) ? reauthentication.ask(req, res) : next();
    });
  return router;
}

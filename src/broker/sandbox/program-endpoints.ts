import express, { type RequestHandler, Router } from 'express';
import { methods } from '../../http/methods.ts';
import { createMarketEndpoint } from './market-endpoint.ts';
import { SANDBOX_PATHS, sandboxMetadata } from './metadata.ts';
import { createProfileEndpoint } from './profile-endpoint.ts';
import { refuseUnreadableBody } from './protocol-error.ts';
import { createRevocationEndpoint } from './revocation-endpoint.ts';
import type { SandboxContext } from './sandbox-context.ts';
import { createTokenEndpoint } from './token-endpoint.ts';

/**
 * The practice broker's endpoints for programs. No session, no cookie, no CSRF token: a caller shows a code with its
 * verifier, or a token. To be mounted in front of the session.
 */
export function createSandboxProgramEndpoints(context: SandboxContext): Router {
  const router = Router({ caseSensitive: true });
  const metadata = sandboxMetadata(context.publicOrigin);

  const { token, revoke, profile, market } = SANDBOX_PATHS;
  router.use([token, revoke, profile, market], keepOutOfCaches);
  router.use([token, revoke], express.urlencoded({ extended: false, limit: '8kb' }), refuseUnreadableBody);
  methods(router, SANDBOX_PATHS.metadata, {
    get: function showMetadata(_req, res) {
      res.json(metadata);
    },
  });
  methods(router, token, { post: createTokenEndpoint(context) });
  methods(router, revoke, { post: createRevocationEndpoint(context) });
  methods(router, profile, { get: createProfileEndpoint(context) });
  methods(router, market, { get: createMarketEndpoint(context) });
  return router;
}

/** RFC 6749, 5.1. */
const keepOutOfCaches: RequestHandler = function keepOutOfCaches(_req, res, next) {
  res.set('Cache-Control', 'no-store');
  next();
};

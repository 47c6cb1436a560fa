import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { methods } from '../../http/methods.ts';
import { SANDBOX_PATHS, sandboxMetadata } from './metadata.ts';
import { answerProtocolError, refuseUnreadableBody } from './protocol-error.ts';
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

/** Lets a live feed token into the market, and says when that trades. */
function createMarketEndpoint({ store, clock, marketHours }: SandboxContext): RequestHandler {
  return async function openMarket(req, res) {
    const token = readBearer(req);
    const subject = token === undefined ? undefined : await store.findSubject(token, clock.now(), 'feed');
    if (subject === undefined) return refuseToken(res, token);
    res.json({ hours: marketHours });
  };
}

const requestSchema = z.object({ client_id: z.string().max(100), token: z.string().max(500) });

/** Ends a token (RFC 7009). One that is unknown or already dead gets the same 200: the caller's wish is fulfilled. */
function createRevocationEndpoint({ store, clock, client }: SandboxContext): RequestHandler {
  return async function revokeToken(req, res) {
    const parsed = requestSchema.safeParse(req.body);
    if (!parsed.success) return answerProtocolError(res, 'invalid_request');
    if (parsed.data.client_id !== client.id) return answerProtocolError(res, 'invalid_client');
    await store.revoke(parsed.data.token, client.id, clock.now());
    res.status(200).end();
  };
}

/** Says whose a live token is: the proof that a token works, or no longer does (RFC 6750). */
function createProfileEndpoint({ store, clock, client }: SandboxContext): RequestHandler {
  return async function showProfile(req, res) {
    const token = readBearer(req);
    const subject = token === undefined ? undefined : await store.findSubject(token, clock.now());
    if (subject === undefined) return refuseToken(res, token);
    res.json({ broker: 'sandbox', client_id: client.id, subject });
  };
}

function readBearer(req: Request): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]{1,500}=*)$/i.exec(req.get('authorization') ?? '')?.[1];
}

function refuseToken(res: Response, token: string | undefined): void {
  const problem = token === undefined ? '' : ', error="invalid_token"';
  res
    .status(401)
    .set('WWW-Authenticate', `Bearer realm="sandbox"${problem}`)
    .json({ error: 'invalid_token' });
}

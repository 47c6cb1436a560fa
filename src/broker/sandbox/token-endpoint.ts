import { createHash, randomBytes } from 'node:crypto';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { DAY_MS, SECOND_MS } from '../../core/duration.ts';
import { answerProtocolError } from './protocol-error.ts';
import type { SandboxContext } from './sandbox-context.ts';
import type { SandboxCode, SandboxTokens } from './sandbox-store.ts';

const TOKEN_LIFETIME_MS = DAY_MS;
const TOKEN_BYTES = 32;

const grantSchema = z.object({ grant_type: z.string() });
const requestSchema = z.object({
  client_id: z.string().max(100),
  code: z.string().max(200),
  redirect_uri: z.string().max(2000),
  code_verifier: z.string().regex(/^[A-Za-z0-9._~-]{43,128}$/),
});

/** Exchanges a code and its verifier for the tokens of one day (RFC 6749, 4.1.3; RFC 7636, 4.6). */
export function createTokenEndpoint({ store, clock, client }: SandboxContext): RequestHandler {
  return async function exchangeCode(req, res) {
    const grant = grantSchema.safeParse(req.body);
    if (!grant.success) return answerProtocolError(res, 'invalid_request');
    if (grant.data.grant_type !== 'authorization_code')
      return answerProtocolError(res, 'unsupported_grant_type');
    const parsed = requestSchema.safeParse(req.body);
    if (!parsed.success) return answerProtocolError(res, 'invalid_request');
    const request = parsed.data;
    if (request.client_id !== client.id) return answerProtocolError(res, 'invalid_client');

    const now = clock.now();
    const tokens = createTokens(now);
    const accepts = (code: SandboxCode) =>
      now < code.expiresAt &&
      code.clientId === request.client_id &&
      code.redirectUri === request.redirect_uri &&
      code.codeChallenge === challengeOf(request.code_verifier);
    const outcome = await store.redeem(request.code, tokens, accepts, now);
    if (outcome === 'refused') return answerProtocolError(res, 'invalid_grant');
    res.json({
      access_token: tokens.accessToken,
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_MS / SECOND_MS,
      feed_token: tokens.feedToken,
    });
  };
}

/** The prefixes let a search through logs and dumps find what should not be there. */
function createTokens(now: number): SandboxTokens {
  return {
    accessToken: `sandbox-access-${randomBytes(TOKEN_BYTES).toString('base64url')}`,
    feedToken: `sandbox-feed-${randomBytes(TOKEN_BYTES).toString('base64url')}`,
    expiresAt: now + TOKEN_LIFETIME_MS,
  };
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier, 'ascii').digest('base64url');
}

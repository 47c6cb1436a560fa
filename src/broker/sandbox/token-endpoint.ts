import { createHash, randomBytes } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../core/duration.ts';
import { answerProtocolError, type ProtocolErrorCode } from './protocol-error.ts';
import type { SandboxContext } from './sandbox-context.ts';
import type { SandboxCode, SandboxTokens } from './sandbox-store.ts';

/** Short, so that a trial shows them renewed. */
const TOKEN_LIFETIME_MS = HOUR_MS;
/** From the person's own Allow on, however often the tokens are renewed: they are asked once a day. */
const REFRESHABLE_MS = DAY_MS;
const TOKEN_BYTES = 32;

const grantSchema = z.object({ grant_type: z.string() });
const clientId = z.string().max(100);
const codeSchema = z.object({
  client_id: clientId,
  code: z.string().max(200),
  redirect_uri: z.string().max(2000),
  code_verifier: z.string().regex(/^[A-Za-z0-9._~-]{43,128}$/),
});
const refreshSchema = z.object({ client_id: clientId, refresh_token: z.string().max(500) });

/** Result of a request: an error, or these tokens. */
type Grant = (req: Request, tokens: SandboxTokens, now: number) => Promise<ProtocolErrorCode | 'granted'>;

/**
 * Exchanges a code and its verifier for tokens (RFC 6749, 4.1.3; RFC 7636, 4.6), and a refresh token for the next ones
 * and its own successor (RFC 6749, 6).
 */
export function createTokenEndpoint(context: SandboxContext): RequestHandler {
  const { clock } = context;
  const grants = new Map<string, Grant>([
    ['authorization_code', createCodeGrant(context)],
    ['refresh_token', createRefreshGrant(context)],
  ]);

  return async function issueTokens(req, res) {
    const parsed = grantSchema.safeParse(req.body);
    if (!parsed.success) return answerProtocolError(res, 'invalid_request');
    const grant = grants.get(parsed.data.grant_type);
    if (grant === undefined) return answerProtocolError(res, 'unsupported_grant_type');
    const now = clock.now();
    const tokens = createTokens(now);
    const outcome = await grant(req, tokens, now);
    if (outcome !== 'granted') return answerProtocolError(res, outcome);
    res.json({
      access_token: tokens.accessToken,
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_MS / SECOND_MS,
      refresh_token: tokens.refreshToken,
      feed_token: tokens.feedToken,
    });
  };
}

function createCodeGrant({ store, client }: SandboxContext): Grant {
  return async function redeemCode(req, tokens, now) {
    const parsed = codeSchema.safeParse(req.body);
    if (!parsed.success) return 'invalid_request';
    const request = parsed.data;
    if (request.client_id !== client.id) return 'invalid_client';
    const accepts = (code: SandboxCode) =>
      now < code.expiresAt &&
      code.clientId === request.client_id &&
      code.redirectUri === request.redirect_uri &&
      code.codeChallenge === challengeOf(request.code_verifier);
    const outcome = await store.redeem(request.code, tokens, accepts, now);
    return outcome === 'granted' ? outcome : 'invalid_grant';
  };
}

function createRefreshGrant({ store, client }: SandboxContext): Grant {
  return async function refreshTokens(req, tokens, now) {
    const parsed = refreshSchema.safeParse(req.body);
    if (!parsed.success) return 'invalid_request';
    if (parsed.data.client_id !== client.id) return 'invalid_client';
    const outcome = await store.refresh(parsed.data.refresh_token, tokens, client.id, now);
    return outcome === 'granted' ? outcome : 'invalid_grant';
  };
}

/** The prefixes let a search through logs and dumps find what should not be there. */
function createTokens(now: number): SandboxTokens {
  return {
    accessToken: createToken('access'),
    feedToken: createToken('feed'),
    refreshToken: createToken('refresh'),
    expiresAt: now + TOKEN_LIFETIME_MS,
    refreshableUntil: now + REFRESHABLE_MS,
  };
}

function createToken(kind: 'access' | 'feed' | 'refresh'): string {
  return `sandbox-${kind}-${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier, 'ascii').digest('base64url');
}

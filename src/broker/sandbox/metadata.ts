import type { RoutePolicy } from '../../http/route-policy.ts';

export const SANDBOX_PATHS = {
  /** Where RFC 8414 (3.1) puts the metadata of an issuer with a path: in front of that path. */
  metadata: '/.well-known/oauth-authorization-server/sandbox',
  authorize: '/sandbox/authorize',
  token: '/sandbox/token',
  revoke: '/sandbox/revoke',
  profile: '/sandbox/profile',
  market: '/sandbox/market',
} as const;

/** Programs have credentials of their own; a person answers on a page of theirs. */
export const SANDBOX_ROUTES: readonly RoutePolicy[] = [
  { path: '/.well-known', below: true, class: 'api' },
  { path: '/sandbox', below: true, class: 'api' },
  { path: SANDBOX_PATHS.authorize },
];

export function sandboxIssuer(publicOrigin: string): string {
  return `${publicOrigin}/sandbox`;
}

/**
 * The sandbox's metadata (RFC 8414). Its clients are public ones: the only client is the process that
 * answers, so that a client secret would prove nothing. What binds a code to who asked for
 * it is PKCE, which is demanded of everyone.
 */
export function sandboxMetadata(publicOrigin: string): Readonly<Record<string, unknown>> {
  return {
    issuer: sandboxIssuer(publicOrigin),
    authorization_endpoint: publicOrigin + SANDBOX_PATHS.authorize,
    token_endpoint: publicOrigin + SANDBOX_PATHS.token,
    revocation_endpoint: publicOrigin + SANDBOX_PATHS.revoke,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: true,
  };
}

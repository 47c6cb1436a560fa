import { z } from 'zod';
import type { SandboxClient } from './sandbox-client.ts';

/** A request for authorization that may be shown to a person (RFC 6749, 4.1.1; RFC 7636, 4.3). */
export interface SandboxAuthorization {
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly state: string | undefined;
  /** The same as parameters, for the form that asks. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * `unusable`: the client is unknown, or its redirect address is: there is no redirect
 * (RFC 6749, 4.1.2.1). `invalid`: the client is told by redirect.
 */
export type AuthorizationCheck =
  | { readonly kind: 'ok'; readonly authorization: SandboxAuthorization }
  | { readonly kind: 'unusable' }
  | {
      readonly kind: 'invalid';
      readonly error: string;
      readonly redirectUri: string;
      readonly state?: string;
    };

const parametersSchema = z.object({
  response_type: z.string().max(100),
  client_id: z.string().max(100),
  redirect_uri: z.string().max(2000),
  state: z.string().max(500).optional(),
  code_challenge: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  code_challenge_method: z.literal('S256'),
});
const clientSchema = parametersSchema.pick({ client_id: true, redirect_uri: true });
const stateSchema = parametersSchema.pick({ state: true });

/** Checks the parameters, from a query or a form. One that occurs twice is malformed (RFC 6749, 3.1). */
export function checkAuthorizationRequest(source: unknown, client: SandboxClient): AuthorizationCheck {
  const asking = clientSchema.safeParse(source);
  if (!asking.success || asking.data.client_id !== client.id) return { kind: 'unusable' };
  if (asking.data.redirect_uri !== client.redirectUri) return { kind: 'unusable' };

  const { redirectUri } = client;
  const parsed = parametersSchema.safeParse(source);
  if (!parsed.success)
    return { kind: 'invalid', error: 'invalid_request', redirectUri, ...readState(source) };
  const { state, ...required } = parsed.data;
  const known = state === undefined ? {} : { state };
  if (required.response_type !== 'code')
    return { kind: 'invalid', error: 'unsupported_response_type', redirectUri, ...known };
  return {
    kind: 'ok',
    authorization: {
      redirectUri,
      state,
      codeChallenge: required.code_challenge,
      parameters: { ...required, ...known },
    },
  };
}

/** The state goes back with an error too, where it can be read (RFC 6749, 4.1.2.1). */
function readState(source: unknown): { readonly state?: string } {
  const parsed = stateSchema.safeParse(source);
  return parsed.success && parsed.data.state !== undefined ? { state: parsed.data.state } : {};
}

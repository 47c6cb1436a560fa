import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import type { BrokerAdapter, BrokerGrant, BrokerProblem } from '../broker-adapter.ts';
import { createSandboxFeed } from '../feeds/sandbox-feed.ts';
import { sandboxIssuer } from '../sandbox/metadata.ts';
import { SANDBOX_BROKER_ID, SANDBOX_CLIENT_ID } from '../sandbox/sandbox-client.ts';
import { clientIdText, createBrokerProtocol, errorWords } from './broker-protocol.ts';
import { INVALID_CALLBACK } from './call-broker.ts';
import { createDiscovery } from './oauth-discovery.ts';
import { classifyOAuthError } from './oauth-error.ts';

const TIMEOUT_MS = 5 * SECOND_MS;

const profileSchema = z
  .object({ broker: z.literal(SANDBOX_BROKER_ID), subject: clientIdText.optional().catch(undefined) })
  .transform(({ subject }) => subject);
const profile = createBrokerProtocol({
  app: z.object({}),
  errorOf: errorWords(
    z.object({ error: z.string() }).transform(({ error }) => error),
    new Map([['invalid_token', 'invalid_token']]),
  ),
  deadToken: 'invalid_token',
});

type FetchOptions = oauth.CustomFetchOptions<string, URLSearchParams | undefined>;

export interface SandboxAdapterDeps {
  readonly clock: Clock;
  /** BASE_URL: the issuer's and the redirect URI's origin, as browsers see it. */
  readonly publicOrigin: string;
  /** Where this server can reach itself, e.g. `http://127.0.0.1:5000`; asked at each request, after it listens. */
  readonly internalOrigin: () => string;
}

/**
 * The practice broker's client: authorization code with PKCE, the issuer checked in metadata and callback (RFC 9207),
 * refresh tokens that rotate (RFC 6749, 6), revocation by RFC 7009. Identifiers stay public addresses while the requests
 * go to this very process, which may not be able to reach its own public address from behind a proxy.
 */
export function createSandboxAdapter(deps: SandboxAdapterDeps): BrokerAdapter {
  const { clock, publicOrigin, internalOrigin } = deps;
  const issuer = new URL(sandboxIssuer(publicOrigin));
  const client: oauth.Client = { client_id: SANDBOX_CLIENT_ID };
  const requestOptions = createRequestOptions(deps, issuer);
  const findServer = createDiscovery(issuer, requestOptions);

  return {
    id: SANDBOX_BROKER_ID,
    name: 'Practice broker',
    description:
      'Built in, for trying things out. No real account, no real money. Its tokens last an hour and are renewed without you, for a day at most.',
    authorizationOrigins: [publicOrigin],
    credentialFields: [],
    needsStaticAddress: false,
    mayOmitState: false,
    feed: createSandboxFeed({ clock, internalOrigin }),

    async startAuthorization({ state, redirectUri, codeChallenge }) {
      try {
        const { authorization_endpoint } = await findServer();
        const url = new URL(authorization_endpoint ?? '');
        url.search = authorizationQuery(state, redirectUri, codeChallenge).toString();
        return { kind: 'redirect', url };
      } catch (error) {
        return classifyOAuthError(error);
      }
    },

    async exchange({ parameters, expectedState, redirectUri, codeVerifier }) {
      if (expectedState === undefined) return INVALID_CALLBACK;
      const askedAt = clock.now();
      try {
        const server = await findServer();
        const answer = oauth.validateAuthResponse(server, client, parameters, expectedState);
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          oauth.None(),
          answer,
          redirectUri,
          codeVerifier,
          requestOptions(),
        );
        return toGrant(await oauth.processAuthorizationCodeResponse(server, client, response), askedAt);
      } catch (error) {
        if (error instanceof oauth.AuthorizationResponseError && error.error === 'access_denied')
          return { kind: 'denied' };
        return classifyOAuthError(error);
      }
    },

    async refresh({ refreshToken }) {
      const askedAt = clock.now();
      try {
        const server = await findServer();
        const response = await oauth.refreshTokenGrantRequest(
          server,
          client,
          oauth.None(),
          refreshToken,
          requestOptions(),
        );
        return toGrant(await oauth.processRefreshTokenResponse(server, client, response), askedAt);
      } catch (error) {
        return classifyOAuthError(error);
      }
    },

    async revoke({ accessToken }) {
      try {
        const server = await findServer();
        const response = await oauth.revocationRequest(
          server,
          client,
          oauth.None(),
          accessToken,
          requestOptions(),
        );
        await oauth.processRevocationResponse(response);
        return { kind: 'done' };
      } catch (error) {
        return classifyOAuthError(error);
      }
    },

    checkToken({ accessToken }) {
      const headers = { authorization: `Bearer ${accessToken}` };
      const url = `${internalOrigin()}/sandbox/profile`;
      return profile.checkToken({ url, method: 'GET', headers, yes: profileSchema });
    },
  };
}

/** Requests to the issuer's public address go to this process. */
function createRequestOptions({ publicOrigin, internalOrigin }: SandboxAdapterDeps, issuer: URL) {
  function fetchInternally(url: string, init: FetchOptions): Promise<Response> {
    return fetch(toInternal(url), { ...init, body: init.body ?? null, signal: init.signal ?? null });
  }

  function toInternal(url: string): string {
    return url.startsWith(`${publicOrigin}/`) ? internalOrigin() + url.slice(publicOrigin.length) : url;
  }

  return () => ({
    [oauth.customFetch]: fetchInternally,
    [oauth.allowInsecureRequests]: issuer.protocol === 'http:',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

function authorizationQuery(state: string, redirectUri: string, codeChallenge: string): URLSearchParams {
  return new URLSearchParams({
    response_type: 'code',
    client_id: SANDBOX_CLIENT_ID,
    redirect_uri: redirectUri,
    state,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  });
}

function toGrant(answer: oauth.TokenEndpointResponse, askedAt: number): BrokerGrant | BrokerProblem {
  const { access_token: accessToken, expires_in: lifetimeSeconds, feed_token: feedToken } = answer;
  const { refresh_token: refreshToken } = answer;
  if (lifetimeSeconds === undefined) return { kind: 'refused', why: 'invalid_response' };
  return {
    kind: 'granted',
    accessToken,
    ...(typeof feedToken === 'string' ? { feedToken } : {}),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    expiresAt: askedAt + lifetimeSeconds * SECOND_MS,
  };
}

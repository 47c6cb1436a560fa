import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { nextCutoff } from '../../core/cutoff.ts';
import type { BrokerAdapter } from '../broker-adapter.ts';
import { createUpstoxFeed } from '../feeds/upstox/upstox-feed.ts';
import { type BrokerEndpoints, originsOf } from './broker-endpoints.ts';
import {
  clientIdText,
  createBrokerProtocol,
  errorWords,
  stateProblem,
  visibleText,
  withQuery,
} from './broker-protocol.ts';
import { INVALID_CALLBACK } from './call-broker.ts';
import { callbackParameter } from './callback-parameter.ts';

const PUBLISHED: BrokerEndpoints = {
  login: 'https://api.upstox.com/v2/login/authorization/dialog',
  api: 'https://api.upstox.com/v2',
  pages: ['https://*.upstox.com'],
};
/** "Until 3:30 AM the following day, regardless of the time it was generated": one of 02:30 lives for an hour. */
const ENDS_AT = { hour: 3, minute: 30 };

const credentialsSchema = z.object({ apiKey: visibleText, apiSecret: visibleText });
const userId = clientIdText.optional().catch(undefined);
const tokenSchema = z.object({ access_token: visibleText, user_id: userId });
const profileSchema = z
  .object({ status: z.literal('success'), data: z.object({ user_id: userId }) })
  .transform(({ data }) => data.user_id);
const logoutSchema = z.object({ status: z.literal('success'), data: z.literal(true) });
const oneError = z.object({ errorCode: z.string().optional(), error_code: z.string().optional() });
/** Each error carries its code twice, in two spellings; `message` repeats what was sent. */
const errorCode = z
  .object({ status: z.literal('error'), errors: z.array(oneError).min(1) })
  .transform(({ errors: [first] }) => first?.errorCode ?? first?.error_code ?? '');

const WORDS: ReadonlyMap<string, string> = new Map([
  ['UDAPI100016', 'invalid_client'],
  ['UDAPI100036', 'invalid_request'],
  ['UDAPI100038', 'invalid_request'],
  ['UDAPI100050', 'invalid_token'],
  ['UDAPI100057', 'invalid_grant'],
  ['UDAPI100068', 'invalid_redirect_uri'],
  ['UDAPI100069', 'invalid_client'],
  ['UDAPI100070', 'invalid_redirect_uri'],
  ['UDAPI100073', 'unauthorized_client'],
]);

const upstox = createBrokerProtocol({
  app: credentialsSchema,
  errorOf: errorWords(errorCode, WORDS),
  deadToken: 'invalid_token',
});

export interface UpstoxAdapterDeps {
  readonly clock: Clock;
  readonly endpoints?: BrokerEndpoints;
}

/**
 * Upstox API v2 (https://upstox.com/developer/api-documentation/authorize, …/get-token, …/logout): OAuth 2's code flow
 * with the secret in the form, without PKCE and without refresh tokens. The answer has no `expires_in`.
 */
export function createUpstoxAdapter({ clock, endpoints = PUBLISHED }: UpstoxAdapterDeps): BrokerAdapter {
  return {
    id: 'upstox',
    name: 'Upstox',
    description: 'Upstox API v2. The login lasts until 03:30.',
    authorizationOrigins: originsOf(endpoints),
    credentialFields: [
      {
        name: 'apiKey',
        label: 'API key',
        secret: false,
        help: 'On Upstox’s developer page under My apps. It looks like 615b1297-d443-3b39-ba19-1927fbcdddc7.',
      },
      {
        name: 'apiSecret',
        label: 'API secret',
        secret: true,
        help: 'Beside the API key of the same app.',
      },
    ],
    developerPage: 'https://account.upstox.com/developer/apps',
    needsStaticAddress: true,
    mayOmitState: false,
    feed: createUpstoxFeed(endpoints.feed),

    async startAuthorization({ credentials, state, redirectUri }) {
      return upstox.withApp(credentials, ({ apiKey }) => {
        const query = { response_type: 'code', client_id: apiKey, redirect_uri: redirectUri, state };
        return { kind: 'redirect', url: withQuery(endpoints.login, query) };
      });
    },

    async exchange({ credentials, parameters, expectedState, redirectUri }) {
      const foreign = stateProblem(parameters, expectedState);
      if (foreign !== undefined) return foreign;
      if (callbackParameter(parameters, 'error') === 'access_denied') return { kind: 'denied' };
      const code = callbackParameter(parameters, 'code');
      if (code === undefined || parameters.has('error')) return INVALID_CALLBACK;
      return upstox.withApp(credentials, ({ apiKey, apiSecret }) => {
        const body = new URLSearchParams({
          code,
          client_id: apiKey,
          client_secret: apiSecret,
          redirect_uri: redirectUri,
          grant_type: 'authorization_code',
        });
        const url = `${endpoints.api}/login/authorization/token`;
        const expiresAt = nextCutoff(clock.now(), ENDS_AT);
        return upstox.exchange({ url, method: 'POST', body, yes: tokenSchema }, (granted) => ({
          kind: 'granted',
          accessToken: granted.access_token,
          clientId: granted.user_id,
          expiresAt,
        }));
      });
    },

    revoke({ accessToken }) {
      const headers = { authorization: `Bearer ${accessToken}` };
      return upstox.logOut({ url: `${endpoints.api}/logout`, method: 'DELETE', headers, yes: logoutSchema });
    },

    checkToken({ accessToken }) {
      const headers = { authorization: `Bearer ${accessToken}` };
      const url = `${endpoints.api}/user/profile`;
      return upstox.checkToken({ url, method: 'GET', headers, yes: profileSchema });
    },
  };
}

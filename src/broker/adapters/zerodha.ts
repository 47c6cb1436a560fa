import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { nextCutoff } from '../../core/cutoff.ts';
import type { BrokerAdapter } from '../broker-adapter.ts';
import { createKiteFeed } from '../feeds/zerodha/kite-feed.ts';
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
  login: 'https://kite.zerodha.com/connect/login',
  api: 'https://api.kite.trade',
};
const VERSION = '3';
/** "It'll expire at 6 AM on the next day (regulatory requirement)". */
const ENDS_AT = { hour: 6, minute: 0 };

const credentialsSchema = z.object({ apiKey: visibleText, apiSecret: visibleText });
const successSchema = z.object({ status: z.literal('success') });
const userId = clientIdText.optional().catch(undefined);
const tokenSchema = successSchema.extend({ data: z.object({ access_token: visibleText, user_id: userId }) });
const profileSchema = successSchema
  .extend({ data: z.object({ user_id: userId }) })
  .transform(({ data }) => data.user_id);
const errorCode = z
  .object({ status: z.literal('error'), error_type: z.string() })
  .transform((error) => error.error_type);

/** The names of exceptions that a login or a logout can meet; the answer's `message` is for Kite's own users. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['TokenException', 'invalid_grant'],
  ['InputException', 'invalid_request'],
  ['PermissionException', 'unauthorized_client'],
  ['UserException', 'account_problem'],
]);

const kite = createBrokerProtocol({
  app: credentialsSchema,
  errorOf: errorWords(errorCode, WORDS),
  deadToken: 'invalid_grant',
});

export interface ZerodhaAdapterDeps {
  readonly clock: Clock;
  readonly endpoints?: BrokerEndpoints;
}

/**
 * Kite Connect 3 (https://kite.trade/docs/connect/v3/user/). No OAuth, but close: the `request_token` is the code, and a
 * checksum over it stands for the secret. There is no `state`; what `redirect_params` holds comes back with a success,
 * so the state travels there. A cancelled login comes back as `status=cancelled` and without them.
 */
export function createZerodhaAdapter({ clock, endpoints = PUBLISHED }: ZerodhaAdapterDeps): BrokerAdapter {
  const tokenUrl = `${endpoints.api}/session/token`;
  const headers = { 'x-kite-version': VERSION };

  return {
    id: 'zerodha',
    name: 'Zerodha',
    description: 'Kite Connect 3. The login lasts until 06:00.',
    authorizationOrigins: originsOf(endpoints),
    credentialFields: [
      {
        name: 'apiKey',
        label: 'API key',
        secret: false,
        help: 'In the Kite Connect developer console under My apps: open your app.',
      },
      {
        name: 'apiSecret',
        label: 'API secret',
        secret: true,
        help: 'On the same page of your app. One that is regenerated there takes the place of this one.',
      },
    ],
    developerPage: 'https://developers.kite.trade/',
    needsStaticAddress: true,
    mayOmitState: true,
    feed: createKiteFeed(endpoints.feed),

    async startAuthorization({ credentials, state }) {
      return kite.withApp(credentials, ({ apiKey }) => {
        const redirectParams = new URLSearchParams({ state }).toString();
        const query = { v: VERSION, api_key: apiKey, redirect_params: redirectParams };
        return { kind: 'redirect', url: withQuery(endpoints.login, query) };
      });
    },

    async exchange({ credentials, parameters, expectedState }) {
      const status = callbackParameter(parameters, 'status');
      if (status === 'cancelled') return { kind: 'denied' };
      const requestToken = callbackParameter(parameters, 'request_token');
      const foreign = stateProblem(parameters, expectedState);
      if (foreign !== undefined || requestToken === undefined || status !== 'success')
        return INVALID_CALLBACK;
      return kite.withApp(credentials, ({ apiKey, apiSecret }) => {
        const checksum = createHash('sha256')
          .update(apiKey + requestToken + apiSecret)
          .digest('hex');
        const body = new URLSearchParams({ api_key: apiKey, request_token: requestToken, checksum });
        const expiresAt = nextCutoff(clock.now(), ENDS_AT);
        return kite.exchange(
          { url: tokenUrl, method: 'POST', headers, body, yes: tokenSchema },
          ({ data }) => ({
            kind: 'granted',
            accessToken: data.access_token,
            clientId: data.user_id,
            expiresAt,
          }),
        );
      });
    },

    async revoke({ credentials, accessToken }) {
      return kite.withApp(credentials, ({ apiKey }) => {
        // In the query, as published. Nothing here ever logs an address.
        const url = withQuery(tokenUrl, { api_key: apiKey, access_token: accessToken });
        return kite.logOut({ url, method: 'DELETE', headers, yes: successSchema });
      });
    },

    async checkToken({ credentials, accessToken }) {
      return kite.withApp(credentials, ({ apiKey }) =>
        kite.checkToken({
          url: `${endpoints.api}/user/profile`,
          method: 'GET',
          headers: { ...headers, authorization: `token ${apiKey}:${accessToken}` },
          yes: profileSchema,
        }),
      );
    },
  };
}

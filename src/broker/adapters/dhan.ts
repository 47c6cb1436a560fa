import { DateTime } from 'luxon';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { MARKET_ZONE } from '../../core/cutoff.ts';
import type { BrokerAdapter } from '../broker-adapter.ts';
import { createDhanFeed } from '../feeds/dhan/dhan-feed.ts';
import { type BrokerEndpoints, originsOf } from './broker-endpoints.ts';
import { clientIdText, createBrokerProtocol, visibleText, withQuery } from './broker-protocol.ts';
import type { BrokerAnswer } from './call-broker.ts';
import { callbackParameter } from './callback-parameter.ts';

const PUBLISHED: BrokerEndpoints = {
  login: 'https://auth.dhan.co/login/consentApp-login',
  api: 'https://auth.dhan.co',
  pages: ['https://*.dhan.co'],
  profile: 'https://api.dhan.co/v2/profile',
};

const credentialsSchema = z.object({ clientId: visibleText, apiKey: visibleText, apiSecret: visibleText });
const consentSchema = z.object({ status: z.literal('success'), consentAppId: visibleText });
const tokenSchema = z.object({
  dhanClientId: z.string(),
  accessToken: visibleText,
  expiryTime: z.string().transform(toInstant).pipe(z.number()),
});
const errorSchema = z.union([z.object({ status: z.string() }), z.object({ errorCode: z.string() })]);

const profileSchema = z
  .object({ dhanClientId: clientIdText })
  .transform(({ dhanClientId }): string | undefined => dhanClientId);

const dhan = createBrokerProtocol({ app: credentialsSchema, errorOf, deadToken: 'unauthorized_client' });

export interface DhanAdapterDeps {
  readonly clock: Clock;
  readonly endpoints?: BrokerEndpoints;
}

/**
 * DhanHQ API v2 with an API key (https://dhanhq.co/docs/v2/authentication/): a consent is asked for first, the person logs
 * in for it, and the `tokenId` that they bring back is consumed with key and secret.
 *
 * Nothing that was sent comes back with the person, so no `state` either. What stands in for it: the key belongs to one
 * person, a tokenId is for one key, and the token that comes of it must be for the client id that was registered here. A
 * tokenId of another account therefore connects nothing. Dhan has no logout for apps, and renews only tokens that were
 * made on its own site.
 */
export function createDhanAdapter({ clock, endpoints = PUBLISHED }: DhanAdapterDeps): BrokerAdapter {
  return {
    id: 'dhan',
    name: 'Dhan',
    description: 'DhanHQ API v2. The login lasts 24 hours, and Dhan cannot be told to end it earlier.',
    authorizationOrigins: originsOf(endpoints),
    credentialFields: [
      {
        name: 'clientId',
        label: 'Dhan client ID',
        secret: false,
        help: 'The number of your Dhan account, ten digits, as your profile on Dhan Web shows it.',
      },
      {
        name: 'apiKey',
        label: 'API key',
        secret: false,
        help: 'On Dhan Web, in your profile under Access DhanHQ APIs: switch from Access Token to API Key and generate one. It works for twelve months.',
      },
      {
        name: 'apiSecret',
        label: 'API secret',
        secret: true,
        help: 'Shown together with the API key when it is generated.',
      },
    ],
    developerPage: 'https://web.dhan.co/',
    needsStaticAddress: true,
    mayOmitState: true,
    feed: createDhanFeed(endpoints.feed),

    async startAuthorization({ credentials }) {
      return dhan.withApp(credentials, async (app) => {
        const url = withQuery(`${endpoints.api}/app/generate-consent`, { client_id: app.clientId });
        const result = await dhan.ask({ url, method: 'POST', headers: keysOf(app), yes: consentSchema });
        if (result.kind !== 'yes') return result;
        const { consentAppId } = result.yes;
        return { kind: 'redirect', url: withQuery(endpoints.login, { consentAppId }) };
      });
    },

    async exchange({ credentials, parameters }) {
      const tokenId = callbackParameter(parameters, 'tokenId');
      if (tokenId === undefined) return { kind: 'denied' };
      return dhan.withApp(credentials, (app) => {
        const url = withQuery(`${endpoints.api}/app/consumeApp-consent`, { tokenId });
        return dhan.exchange({ url, method: 'GET', headers: keysOf(app), yes: tokenSchema }, (granted) => {
          const { dhanClientId: clientId, accessToken, expiryTime: expiresAt } = granted;
          if (clientId !== app.clientId) return { kind: 'refused', why: 'other_account' };
          if (expiresAt <= clock.now()) return { kind: 'refused', why: 'invalid_response' };
          return { kind: 'granted', accessToken, clientId, expiresAt };
        });
      });
    },

    checkToken({ accessToken }) {
      const url = endpoints.profile ?? `${endpoints.api}/v2/profile`;
      const headers = { 'access-token': accessToken };
      return dhan.checkToken({ url, method: 'GET', headers, yes: profileSchema });
    },
  };
}

function keysOf({ apiKey, apiSecret }: z.infer<typeof credentialsSchema>) {
  return { app_id: apiKey, app_secret: apiSecret };
}

/** "ISO timestamp when the access token expires as per IST", e.g. `2025-09-23T12:37:23`; NaN when it is not one. */
function toInstant(text: string): number {
  return DateTime.fromISO(text, { zone: MARKET_ZONE }).toMillis();
}

/** Dhan says no with 200 and `"status": "error"` as well as with 4xx. Its words are not published. */
function errorOf({ status, body }: BrokerAnswer): string | undefined {
  if (status === 401 || status === 403) return 'unauthorized_client';
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success) return undefined;
  return 'status' in parsed.data && parsed.data.status === 'success' ? undefined : 'other_error';
}

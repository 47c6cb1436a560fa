import { DateTime } from 'luxon';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { MARKET_ZONE } from '../../core/cutoff.ts';
import type { BrokerAdapter, BrokerGrant, BrokerProblem } from '../broker-adapter.ts';
import { type BrokerEndpoints, originsOf } from './broker-endpoints.ts';
import { type BrokerAnswer, callBroker, GARBLED, INVALID_CREDENTIALS } from './call-broker.ts';
import { callbackParameter } from './callback-parameter.ts';
import { visibleText } from './visible-text.ts';

const PUBLISHED: BrokerEndpoints = {
  login: 'https://auth.dhan.co/login/consentApp-login',
  api: 'https://auth.dhan.co',
  pages: ['https://*.dhan.co'],
};

const credentialsSchema = z.object({ clientId: visibleText, apiKey: visibleText, apiSecret: visibleText });
const consentSchema = z.object({ status: z.literal('success'), consentAppId: visibleText });
const tokenSchema = z.object({
  dhanClientId: z.string(),
  accessToken: visibleText,
  expiryTime: z.string().transform(toInstant).pipe(z.number()),
});
const errorSchema = z.union([z.object({ status: z.string() }), z.object({ errorCode: z.string() })]);

type DhanApp = z.infer<typeof credentialsSchema>;

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
 * tokenId of somebody else's therefore connects nothing. Dhan has no logout for apps, and renews only tokens that were
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

    async startAuthorization({ credentials }) {
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const ask = new URL(`${endpoints.api}/app/generate-consent`);
      ask.searchParams.set('client_id', app.data.clientId);
      const answer = await callBroker(ask, { method: 'POST', headers: keysOf(app.data) });
      if (answer.kind !== 'answer') return answer;
      const consent = consentSchema.safeParse(answer.body);
      if (!consent.success) return toProblem(answer);
      const url = new URL(endpoints.login);
      url.searchParams.set('consentAppId', consent.data.consentAppId);
      return { kind: 'redirect', url };
    },

    async exchange({ credentials, parameters }) {
      const tokenId = callbackParameter(parameters, 'tokenId');
      if (tokenId === undefined) return { kind: 'denied' };
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const url = new URL(`${endpoints.api}/app/consumeApp-consent`);
      url.searchParams.set('tokenId', tokenId);
      const answer = await callBroker(url, { method: 'GET', headers: keysOf(app.data) });
      return answer.kind === 'answer' ? toGrant(answer, app.data, clock.now()) : answer;
    },
  };
}

function keysOf({ apiKey, apiSecret }: DhanApp) {
  return { app_id: apiKey, app_secret: apiSecret };
}

function toGrant(answer: BrokerAnswer, { clientId }: DhanApp, now: number): BrokerGrant | BrokerProblem {
  const granted = tokenSchema.safeParse(answer.body);
  if (!granted.success) return toProblem(answer);
  const { dhanClientId, accessToken, expiryTime } = granted.data;
  if (dhanClientId !== clientId) return { kind: 'refused', why: 'other_account' };
  if (expiryTime <= now) return { kind: 'refused', why: 'invalid_response' };
  return { kind: 'granted', accessToken, expiresAt: expiryTime };
}

/** "ISO timestamp when the access token expires as per IST", e.g. `2025-09-23T12:37:23`; NaN when it is not one. */
function toInstant(text: string): number {
  return DateTime.fromISO(text, { zone: MARKET_ZONE }).toMillis();
}

/** Dhan says no with 200 and `"status": "error"` as well as with 4xx. Its words are not published. */
function toProblem({ status, body }: BrokerAnswer): BrokerProblem {
  if (status === 401 || status === 403) return { kind: 'refused', why: 'unauthorized_client' };
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success) return GARBLED;
  if ('status' in parsed.data && parsed.data.status === 'success') return GARBLED;
  return { kind: 'refused', why: 'other_error' };
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { nextCutoff } from '../../core/cutoff.ts';
import type { BrokerAdapter, BrokerProblem } from '../broker-adapter.ts';
import { type BrokerEndpoints, originsOf } from './broker-endpoints.ts';
import {
  type BrokerAnswer,
  callBroker,
  GARBLED,
  INVALID_CALLBACK,
  INVALID_CREDENTIALS,
} from './call-broker.ts';
import { callbackParameter } from './callback-parameter.ts';
import { visibleText } from './visible-text.ts';

const PUBLISHED: BrokerEndpoints = {
  login: 'https://kite.zerodha.com/connect/login',
  api: 'https://api.kite.trade',
};
const VERSION = '3';
/** "It'll expire at 6 AM on the next day (regulatory requirement)". */
const ENDS_AT = { hour: 6, minute: 0 };

const credentialsSchema = z.object({ apiKey: visibleText, apiSecret: visibleText });
const tokenSchema = z.object({ status: z.literal('success'), data: z.object({ access_token: visibleText }) });
const successSchema = z.object({ status: z.literal('success') });
const errorSchema = z.object({ status: z.literal('error'), error_type: z.string() });

/** The names of exceptions that a login or a logout can meet; the answer's `message` is for Kite's own users. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['TokenException', 'invalid_grant'],
  ['InputException', 'invalid_request'],
  ['PermissionException', 'unauthorized_client'],
  ['UserException', 'account_problem'],
]);

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

    async startAuthorization({ credentials, state }) {
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const url = new URL(endpoints.login);
      url.searchParams.set('v', VERSION);
      url.searchParams.set('api_key', app.data.apiKey);
      url.searchParams.set('redirect_params', new URLSearchParams({ state }).toString());
      return { kind: 'redirect', url };
    },

    async exchange({ credentials, parameters, expectedState }) {
      if (callbackParameter(parameters, 'status') === 'cancelled') return { kind: 'denied' };
      const requestToken = callbackParameter(parameters, 'request_token');
      if (expectedState === undefined || callbackParameter(parameters, 'state') !== expectedState)
        return INVALID_CALLBACK;
      if (requestToken === undefined || callbackParameter(parameters, 'status') !== 'success')
        return INVALID_CALLBACK;
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;

      const { apiKey, apiSecret } = app.data;
      const checksum = createHash('sha256')
        .update(apiKey + requestToken + apiSecret)
        .digest('hex');
      const body = new URLSearchParams({ api_key: apiKey, request_token: requestToken, checksum });
      const askedAt = clock.now();
      const answer = await callBroker(new URL(tokenUrl), { method: 'POST', headers, body });
      if (answer.kind !== 'answer') return answer;
      const granted = tokenSchema.safeParse(answer.body);
      if (!granted.success) return toProblem(answer);
      const accessToken = granted.data.data.access_token;
      return { kind: 'granted', accessToken, expiresAt: nextCutoff(askedAt, ENDS_AT) };
    },

    async revoke({ credentials, accessToken }) {
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const url = new URL(tokenUrl);
      // In the query, as published. Nothing here ever logs an address.
      url.searchParams.set('api_key', app.data.apiKey);
      url.searchParams.set('access_token', accessToken);
      const answer = await callBroker(url, { method: 'DELETE', headers });
      if (answer.kind !== 'answer') return answer;
      if (successSchema.safeParse(answer.body).success) return { kind: 'done' };
      const problem = toProblem(answer);
      return problem.why === 'invalid_grant' ? { kind: 'done' } : problem;
    },
  };
}

function toProblem({ body }: BrokerAnswer): BrokerProblem {
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success) return GARBLED;
  return { kind: 'refused', why: WORDS.get(parsed.data.error_type) ?? 'other_error' };
}

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
import { jwtExpiry } from './jwt-expiry.ts';
import { visibleText } from './visible-text.ts';

const PUBLISHED: BrokerEndpoints = {
  login: 'https://api-t1.fyers.in/api/v3/generate-authcode',
  api: 'https://api-t1.fyers.in/api/v3',
  pages: ['https://*.fyers.in'],
};
/** Not published; the tokens that people have looked into all end at 06:00 in India, and each says so itself. */
const ENDS_AT = { hour: 6, minute: 0 };

const credentialsSchema = z.object({ appId: visibleText, secretId: visibleText });
const tokenSchema = z.object({ s: z.literal('ok'), access_token: visibleText });
const successSchema = z.object({ s: z.literal('ok') });
const errorSchema = z.object({ s: z.literal('error'), code: z.int() });

/** -8, -15, -16 and -17 are the published codes of a token that is expired or was never one; -352 of a wrong app id. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [-5, 'invalid_client'],
  [-8, 'invalid_token'],
  [-15, 'invalid_token'],
  [-16, 'invalid_token'],
  [-17, 'invalid_token'],
  [-50, 'invalid_request'],
  [-352, 'invalid_client'],
]);

export interface FyersAdapterDeps {
  readonly clock: Clock;
  readonly endpoints?: BrokerEndpoints;
}

/**
 * Fyers API v3 (https://myapi.fyers.in/docsv3): a code flow whose answer is called `auth_code`, with a hash of app id and
 * secret in place of the secret. No refresh: since 1 April 2026 "the refresh token flow has been discontinued. A daily
 * 2FA login is mandatory" (https://myapi.fyers.in/mandatory-regulatory-changes), and it took the person's PIN.
 */
export function createFyersAdapter({ clock, endpoints = PUBLISHED }: FyersAdapterDeps): BrokerAdapter {
  return {
    id: 'fyers',
    name: 'Fyers',
    description: 'Fyers API v3. The login lasts until 06:00.',
    authorizationOrigins: originsOf(endpoints),
    credentialFields: [
      {
        name: 'appId',
        label: 'App ID',
        secret: false,
        help: 'In the Fyers API dashboard, in your app: the whole of it with its ending, as in SPXXXXE7-100.',
      },
      {
        name: 'secretId',
        label: 'Secret ID',
        secret: true,
        help: 'Beside the App ID of the same app. Not your PIN, which Curfew never asks for.',
      },
    ],
    developerPage: 'https://myapi.fyers.in/dashboard',
    needsStaticAddress: true,
    mayOmitState: false,

    async startAuthorization({ credentials, state, redirectUri }) {
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const url = new URL(endpoints.login);
      url.searchParams.set('client_id', app.data.appId);
      url.searchParams.set('redirect_uri', redirectUri);
      url.searchParams.set('response_type', 'code');
      url.searchParams.set('state', state);
      return { kind: 'redirect', url };
    },

    async exchange({ credentials, parameters, expectedState }) {
      if (expectedState === undefined || callbackParameter(parameters, 'state') !== expectedState)
        return INVALID_CALLBACK;
      if (callbackParameter(parameters, 's') === 'error')
        return { kind: 'refused', why: 'authorization_refused' };
      const code = callbackParameter(parameters, 'auth_code');
      if (code === undefined) return INVALID_CALLBACK;
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;

      const { appId, secretId } = app.data;
      const appIdHash = createHash('sha256').update(`${appId}:${secretId}`).digest('hex');
      const askedAt = clock.now();
      const answer = await callBroker(new URL(`${endpoints.api}/validate-authcode`), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ grant_type: 'authorization_code', appIdHash, code }),
      });
      if (answer.kind !== 'answer') return answer;
      const granted = tokenSchema.safeParse(answer.body);
      if (!granted.success) return toProblem(answer);
      const accessToken = granted.data.access_token;
      const itsOwnEnd = jwtExpiry(accessToken) ?? Number.POSITIVE_INFINITY;
      const expiresAt = Math.min(nextCutoff(askedAt, ENDS_AT), itsOwnEnd);
      return { kind: 'granted', accessToken, expiresAt };
    },

    async revoke({ credentials, accessToken }) {
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const headers = { authorization: `${app.data.appId}:${accessToken}` };
      const answer = await callBroker(new URL(`${endpoints.api}/logout`), { method: 'POST', headers });
      if (answer.kind !== 'answer') return answer;
      if (successSchema.safeParse(answer.body).success) return { kind: 'done' };
      const problem = toProblem(answer);
      return problem.why === 'invalid_token' ? { kind: 'done' } : problem;
    },
  };
}

function toProblem({ body }: BrokerAnswer): BrokerProblem {
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success) return GARBLED;
  return { kind: 'refused', why: WORDS.get(parsed.data.code) ?? 'other_error' };
}

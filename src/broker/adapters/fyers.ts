import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { nextCutoff } from '../../core/cutoff.ts';
import { SECOND_MS } from '../../core/duration.ts';
import type { BrokerAdapter } from '../broker-adapter.ts';
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
  login: 'https://api-t1.fyers.in/api/v3/generate-authcode',
  api: 'https://api-t1.fyers.in/api/v3',
  pages: ['https://*.fyers.in'],
};
/** Not published; the tokens that people have looked into all end at 06:00 in India, and each says so itself. */
const ENDS_AT = { hour: 6, minute: 0 };

const credentialsSchema = z.object({ appId: visibleText, secretId: visibleText });
const tokenSchema = z.object({ s: z.literal('ok'), access_token: visibleText });
const successSchema = z.object({ s: z.literal('ok') });
const profileSchema = z
  .object({ s: z.literal('ok'), data: z.object({ fy_id: clientIdText.optional().catch(undefined) }) })
  .transform(({ data }) => data.fy_id);
const errorCode = z.object({ s: z.literal('error'), code: z.int() }).transform((error) => error.code);

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

const fyers = createBrokerProtocol({
  app: credentialsSchema,
  errorOf: errorWords(errorCode, WORDS),
  deadToken: 'invalid_token',
});

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
      return fyers.withApp(credentials, ({ appId }) => {
        const query = { client_id: appId, redirect_uri: redirectUri, response_type: 'code', state };
        return { kind: 'redirect', url: withQuery(endpoints.login, query) };
      });
    },

    async exchange({ credentials, parameters, expectedState }) {
      const foreign = stateProblem(parameters, expectedState);
      if (foreign !== undefined) return foreign;
      if (callbackParameter(parameters, 's') === 'error')
        return { kind: 'refused', why: 'authorization_refused' };
      const code = callbackParameter(parameters, 'auth_code');
      if (code === undefined) return INVALID_CALLBACK;
      return fyers.withApp(credentials, ({ appId, secretId }) => {
        const appIdHash = createHash('sha256').update(`${appId}:${secretId}`).digest('hex');
        const latestEnd = nextCutoff(clock.now(), ENDS_AT);
        const question = {
          url: `${endpoints.api}/validate-authcode`,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ grant_type: 'authorization_code', appIdHash, code }),
          yes: tokenSchema,
        } as const;
        return fyers.exchange(question, ({ access_token: accessToken }) => {
          const { expiresAt = Number.POSITIVE_INFINITY, clientId } = readClaims(accessToken);
          return { kind: 'granted', accessToken, clientId, expiresAt: Math.min(latestEnd, expiresAt) };
        });
      });
    },

    async revoke({ credentials, accessToken }) {
      return fyers.withApp(credentials, ({ appId }) => {
        const headers = { authorization: `${appId}:${accessToken}` };
        return fyers.logOut({ url: `${endpoints.api}/logout`, method: 'POST', headers, yes: successSchema });
      });
    },

    async checkToken({ credentials, accessToken }) {
      return fyers.withApp(credentials, ({ appId }) => {
        const headers = { authorization: `${appId}:${accessToken}` };
        const url = `${endpoints.api}/profile`;
        return fyers.checkToken({ url, method: 'GET', headers, yes: profileSchema });
      });
    },
  };
}

const claimsSchema = z.object({
  exp: z.number().positive().optional().catch(undefined),
  fy_id: clientIdText.optional().catch(undefined),
});

/**
 * A token's claims (RFC 7519): its end in ms since the epoch, and its client. The signature is not checked: `exp`
 * may make the time that a token counts shorter and never longer, and the client id is only shown.
 */
function readClaims(token: string): { readonly expiresAt?: number; readonly clientId?: string } {
  const [, claims = ''] = token.split('.');
  try {
    const { exp, fy_id: clientId } = claimsSchema.parse(
      JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')),
    );
    return {
      ...(exp === undefined ? {} : { expiresAt: exp * SECOND_MS }),
      ...(clientId === undefined ? {} : { clientId }),
    };
  } catch {
    return {};
  }
}

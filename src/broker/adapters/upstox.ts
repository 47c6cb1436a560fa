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
  login: 'https://api.upstox.com/v2/login/authorization/dialog',
  api: 'https://api.upstox.com/v2',
  pages: ['https://*.upstox.com'],
};
/** "Until 3:30 AM the following day, regardless of the time it was generated": one of 02:30 lives for an hour. */
const ENDS_AT = { hour: 3, minute: 30 };

const credentialsSchema = z.object({ apiKey: visibleText, apiSecret: visibleText });
const tokenSchema = z.object({ access_token: visibleText });
const logoutSchema = z.object({ status: z.literal('success'), data: z.literal(true) });
const oneError = z.object({ errorCode: z.string().optional(), error_code: z.string().optional() });
const errorSchema = z.object({ status: z.literal('error'), errors: z.array(oneError).min(1) });

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

    async startAuthorization({ credentials, state, redirectUri }) {
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;
      const url = new URL(endpoints.login);
      url.searchParams.set('response_type', 'code');
      url.searchParams.set('client_id', app.data.apiKey);
      url.searchParams.set('redirect_uri', redirectUri);
      url.searchParams.set('state', state);
      return { kind: 'redirect', url };
    },

    async exchange({ credentials, parameters, expectedState, redirectUri }) {
      if (expectedState === undefined || callbackParameter(parameters, 'state') !== expectedState)
        return INVALID_CALLBACK;
      if (callbackParameter(parameters, 'error') === 'access_denied') return { kind: 'denied' };
      const code = callbackParameter(parameters, 'code');
      if (code === undefined || parameters.has('error')) return INVALID_CALLBACK;
      const app = credentialsSchema.safeParse(credentials);
      if (!app.success) return INVALID_CREDENTIALS;

      const body = new URLSearchParams({
        code,
        client_id: app.data.apiKey,
        client_secret: app.data.apiSecret,
        redirect_uri: redirectUri,
        grant_type: 'authorization_code',
      });
      const askedAt = clock.now();
      const url = new URL(`${endpoints.api}/login/authorization/token`);
      const answer = await callBroker(url, { method: 'POST', body });
      if (answer.kind !== 'answer') return answer;
      const granted = tokenSchema.safeParse(answer.body);
      if (!granted.success) return toProblem(answer);
      const accessToken = granted.data.access_token;
      return { kind: 'granted', accessToken, expiresAt: nextCutoff(askedAt, ENDS_AT) };
    },

    async revoke({ accessToken }) {
      const headers = { authorization: `Bearer ${accessToken}` };
      const answer = await callBroker(new URL(`${endpoints.api}/logout`), { method: 'DELETE', headers });
      if (answer.kind !== 'answer') return answer;
      if (logoutSchema.safeParse(answer.body).success) return { kind: 'done' };
      const problem = toProblem(answer);
      return problem.why === 'invalid_token' ? { kind: 'done' } : problem;
    },
  };
}

/** Each error carries its code twice, in two spellings; `message` repeats what was sent. */
function toProblem({ body }: BrokerAnswer): BrokerProblem {
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success) return GARBLED;
  const [first] = parsed.data.errors;
  return { kind: 'refused', why: WORDS.get(first?.errorCode ?? first?.error_code ?? '') ?? 'other_error' };
}

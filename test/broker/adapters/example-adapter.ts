import { z } from 'zod';
import {
  createBrokerProtocol,
  errorWords,
  stateProblem,
  visibleText,
  withQuery,
} from '../../../src/broker/adapters/broker-protocol.ts';
import { INVALID_CALLBACK } from '../../../src/broker/adapters/call-broker.ts';
import { callbackParameter } from '../../../src/broker/adapters/callback-parameter.ts';
import type { BrokerAdapter } from '../../../src/broker/broker-adapter.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { nextCutoff } from '../../../src/core/cutoff.ts';

const LOGIN = 'https://login.paisa.example/authorize';
const API = 'https://api.paisa.example';

const tokenSchema = z.object({ token: visibleText });
const errorCode = z.object({ error: z.string() }).transform(({ error }) => error);

const paisa = createBrokerProtocol({
  app: z.object({ key: visibleText, secret: visibleText }),
  errorOf: errorWords(errorCode, new Map([['unknown_token', 'invalid_token']])),
  deadToken: 'invalid_token',
});

export function createPaisaAdapter({ clock }: { readonly clock: Clock }): BrokerAdapter {
  return {
    id: 'paisa',
    name: 'Paisa',
    description: 'Paisa API v1. The login lasts until 05:00.',
    authorizationOrigins: [new URL(LOGIN).origin],
    credentialFields: [
      { name: 'key', label: 'App key', secret: false, help: 'On paisa.example under Apps.' },
      { name: 'secret', label: 'App secret', secret: true, help: 'Shown once, when the app is made.' },
    ],
    needsStaticAddress: true,
    mayOmitState: false,

    async startAuthorization({ credentials, state, redirectUri }) {
      return paisa.withApp(credentials, ({ key }) => {
        const query = { client_id: key, redirect_uri: redirectUri, state };
        return { kind: 'redirect', url: withQuery(LOGIN, query) };
      });
    },

    async exchange({ credentials, parameters, expectedState }) {
      const foreign = stateProblem(parameters, expectedState);
      if (foreign !== undefined) return foreign;
      if (callbackParameter(parameters, 'error') === 'access_denied') return { kind: 'denied' };
      const code = callbackParameter(parameters, 'code');
      if (code === undefined) return INVALID_CALLBACK;
      return paisa.withApp(credentials, (app) => {
        const body = new URLSearchParams({ ...app, code });
        const expiresAt = nextCutoff(clock.now(), { hour: 5, minute: 0 });
        const question = { url: `${API}/token`, method: 'POST', body, yes: tokenSchema } as const;
        return paisa.exchange(question, ({ token }) => ({ kind: 'granted', accessToken: token, expiresAt }));
      });
    },

    revoke({ accessToken }) {
      const headers = { authorization: `Bearer ${accessToken}` };
      return paisa.logOut({
        url: `${API}/token`,
        method: 'DELETE',
        headers,
        yes: z.object({ ended: z.literal(true) }),
      });
    },
  };
}

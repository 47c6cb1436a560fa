import { z } from 'zod';
import { callBroker, GARBLED, INVALID_CALLBACK } from '../../../src/broker/adapters/call-broker.ts';
import { callbackParameter } from '../../../src/broker/adapters/callback-parameter.ts';
import { visibleText } from '../../../src/broker/adapters/visible-text.ts';
import type { BrokerAdapter } from '../../../src/broker/broker-adapter.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { nextCutoff } from '../../../src/core/cutoff.ts';

const LOGIN = 'https://login.paisa.example/authorize';
const API = 'https://api.paisa.example';

const tokenSchema = z.object({ token: visibleText });
const errorSchema = z.object({ error: z.string() });

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
      const url = new URL(LOGIN);
      url.search = new URLSearchParams({
        client_id: credentials['key'] ?? '',
        redirect_uri: redirectUri,
        state,
      }).toString();
      return { kind: 'redirect', url };
    },

    async exchange({ credentials, parameters, expectedState }) {
      if (expectedState === undefined || callbackParameter(parameters, 'state') !== expectedState)
        return INVALID_CALLBACK;
      if (callbackParameter(parameters, 'error') === 'access_denied') return { kind: 'denied' };
      const code = callbackParameter(parameters, 'code');
      if (code === undefined) return INVALID_CALLBACK;
      const askedAt = clock.now();
      const body = new URLSearchParams({ ...credentials, code });
      const answer = await callBroker(new URL(`${API}/token`), { method: 'POST', body });
      if (answer.kind !== 'answer') return answer;
      const granted = tokenSchema.safeParse(answer.body);
      if (granted.success) {
        const expiresAt = nextCutoff(askedAt, { hour: 5, minute: 0 });
        return { kind: 'granted', accessToken: granted.data.token, expiresAt };
      }
      return errorSchema.safeParse(answer.body).success ? { kind: 'refused', why: 'invalid_grant' } : GARBLED;
    },

    async revoke({ accessToken }) {
      const headers = { authorization: `Bearer ${accessToken}` };
      const answer = await callBroker(new URL(`${API}/token`), { method: 'DELETE', headers });
      if (answer.kind !== 'answer') return answer;
      // A token that is dead already is what was wanted.
      return answer.status === 200 || answer.status === 401
        ? { kind: 'done' }
        : { kind: 'refused', why: 'other_error' };
    },
  };
}

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createZerodhaAdapter } from '../../../src/broker/adapters/zerodha.ts';
import { createSettableClock } from '../../support/settable-clock.ts';

const credentials = { apiKey: 'key', apiSecret: 'secret' };
const redirectUri = 'https://curfew.example/auth/broker/zerodha/callback';

const exchangeWith = (
  adapter: ReturnType<typeof createZerodhaAdapter>,
  query: string,
  expectedState?: string,
) =>
  adapter.exchange({
    credentials,
    parameters: new URLSearchParams(query),
    expectedState,
    redirectUri,
    codeVerifier: '',
  });

/** What was asked of a broker that grants everything. */
async function listenIn(now: string, query: string) {
  const requests: { readonly req: IncomingMessage; readonly body: string }[] = [];
  const server = createServer(async (req, res) => {
    requests.push({ req, body: (await req.toArray()).join('') });
    res.end('{"status":"success","data":{"access_token":"the-token"}}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const adapter = createZerodhaAdapter({
    clock: createSettableClock(now),
    endpoints: { login: `${api}/connect/login`, api },
  });
  try {
    const result = await exchangeWith(adapter, query, 'the-state');
    await adapter.revoke?.({ credentials, accessToken: 'the-token' });
    return { result, requests };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const SUCCESS = 'action=login&status=success&request_token=the-request-token&state=the-state';

describe('The adapter of Kite Connect 3', () => {
  const adapter = createZerodhaAdapter({ clock: createSettableClock('2026-11-20T09:15:00+05:30') });

  it('sends people to the published address, with the state in redirect_params', async () => {
    const start = { credentials, state: 'the-state', redirectUri, codeChallenge: '' };
    expect(await adapter.startAuthorization(start)).toEqual({
      kind: 'redirect',
      url: new URL(
        'https://kite.zerodha.com/connect/login?v=3&api_key=key&redirect_params=state%3Dthe-state',
      ),
    });
  });

  it('sends the checksum of key, request token and secret, and its version', async () => {
    const { requests } = await listenIn('2026-11-20T09:15:00+05:30', SUCCESS);
    const [exchange, logout] = requests;
    expect(`${exchange?.req.method} ${exchange?.req.url}`).toBe('POST /session/token');
    expect(exchange?.req.headers['x-kite-version']).toBe('3');
    expect(Object.fromEntries(new URLSearchParams(exchange?.body))).toEqual({
      api_key: 'key',
      request_token: 'the-request-token',
      checksum: createHash('sha256').update('keythe-request-tokensecret').digest('hex'),
    });
    expect(`${logout?.req.method} ${logout?.req.url}`).toBe(
      'DELETE /session/token?api_key=key&access_token=the-token',
    );
    expect(logout?.req.headers['x-kite-version']).toBe('3');
  });

  it.each([
    ['2026-11-20T09:15:00+05:30', '2026-11-21T06:00:00+05:30'],
    ['2026-11-20T23:59:59.999+05:30', '2026-11-21T06:00:00+05:30'],
    ['2026-11-21T02:00:00+05:30', '2026-11-21T06:00:00+05:30'],
    ['2026-11-21T05:59:59.999+05:30', '2026-11-21T06:00:00+05:30'],
    ['2026-11-21T06:00:00+05:30', '2026-11-22T06:00:00+05:30'],
  ])('counts a token of %s as dead at %s', async (now, end) => {
    const { result } = await listenIn(now, SUCCESS);
    expect(result).toEqual({ kind: 'granted', accessToken: 'the-token', expiresAt: Date.parse(end) });
  });

  it('knows a cancelled login by its status, which is all that comes back', async () => {
    expect(await exchangeWith(adapter, 'status=cancelled')).toEqual({ kind: 'denied' });
  });

  it.each([
    ['no status', 'request_token=x&state=the-state'],
    ['a status it does not know', 'status=maybe&request_token=x&state=the-state'],
    ['no request token', 'status=success&state=the-state'],
    ['two request tokens', 'status=success&request_token=x&request_token=y&state=the-state'],
  ])('takes no answer with %s', async (_what, query) => {
    expect(await exchangeWith(adapter, query, 'the-state')).toEqual({
      kind: 'refused',
      why: 'invalid_response',
    });
  });
});

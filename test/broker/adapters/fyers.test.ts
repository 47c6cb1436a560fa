import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFyersAdapter } from '../../../src/broker/adapters/fyers.ts';
import type { AppCredentials } from '../../../src/broker/broker-adapter.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { pressButton } from '../protocol-servers/consent-page.ts';
import { startFyersServer } from '../protocol-servers/fyers.ts';
import { listen, type ProtocolServer } from '../protocol-servers/protocol-server.ts';

const redirectUri = 'https://curfew.example/auth/broker/fyers/callback';

describe('The adapter of Fyers v3', () => {
  let clock: SettableClock;
  let server: ProtocolServer;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    server = await startFyersServer({ clock, redirectUri });
  });
  afterEach(() => server.close());

  const create = () => createFyersAdapter({ clock, endpoints: server.endpoints });
  async function comeBack(sentUri = redirectUri): Promise<URLSearchParams> {
    const { credentials } = server;
    const start = { credentials, state: 'the-state', redirectUri: sentUri, codeChallenge: '' };
    const result = await create().startAuthorization(start);
    if (result.kind !== 'redirect') throw new Error(result.why);
    return (await pressButton(result.url, 'allow')).searchParams;
  }
  const exchange = (parameters: URLSearchParams, credentials: AppCredentials = server.credentials) =>
    create().exchange({
      credentials,
      parameters,
      expectedState: 'the-state',
      redirectUri,
      codeVerifier: '',
    });

  it('sends people to the published address', async () => {
    const adapter = createFyersAdapter({ clock });
    const credentials = { appId: 'SPXXXXE7-100', secretId: 'secret' };
    const start = { credentials, state: 'the-state', redirectUri, codeChallenge: '' };
    expect(await adapter.startAuthorization(start)).toEqual({
      kind: 'redirect',
      url: new URL(
        `https://api-t1.fyers.in/api/v3/generate-authcode?client_id=SPXXXXE7-100&redirect_uri=${encodeURIComponent(redirectUri)}&response_type=code&state=the-state`,
      ),
    });
  });

  it('sends the very hash that the documentation gives for `app_id` and `app_secret`', async () => {
    const asked: string[] = [];
    const { origin, close } = await listen(async (req, res) => {
      asked.push(`${req.method} ${req.url}`, (await req.toArray()).join(''));
      res.end('{"s":"ok","code":200,"access_token":"the-token"}');
    });
    const adapter = createFyersAdapter({ clock, endpoints: { login: origin, api: origin } });
    const credentials = { appId: 'app_id', secretId: 'app_secret' };
    const parameters = new URLSearchParams({ s: 'ok', auth_code: 'the-code', state: 'the-state' });
    await adapter.exchange({
      credentials,
      parameters,
      expectedState: 'the-state',
      redirectUri,
      codeVerifier: '',
    });
    await close();
    expect(asked[0]).toBe('POST /validate-authcode');
    expect(JSON.parse(asked[1] ?? '')).toEqual({
      grant_type: 'authorization_code',
      appIdHash: '7c7120d2b5004f8de22d8dc2da0453b4d7e6211e37a4108b8371266ecff00498',
      code: 'the-code',
    });
  });

  it('is refused with the hash of another secret, and may then use the code with the right one', async () => {
    const answer = await comeBack();
    const wrong = { ...server.credentials, secretId: 'another' };
    expect(await exchange(answer, wrong)).toEqual({ kind: 'refused', why: 'invalid_client' });
    expect(await exchange(answer)).toMatchObject({ kind: 'granted' });
  });

  it('is sent away where the redirect address is not the registered one', async () => {
    await expect(comeBack(`${redirectUri}/other`)).rejects.toThrow('The page answered 400');
  });

  it.each([
    ['2026-11-20T14:20:44+05:30', '2026-11-21T06:00:00+05:30'],
    ['2026-11-21T05:59:59.999+05:30', '2026-11-21T06:00:00+05:30'],
    ['2026-11-21T06:00:00+05:30', '2026-11-22T06:00:00+05:30'],
  ])('counts a token of %s as dead at %s', async (now, end) => {
    clock.set(now);
    expect(await exchange(await comeBack())).toMatchObject({ kind: 'granted', expiresAt: Date.parse(end) });
  });

  it.each([
    ['earlier than 06:00 counts', '2026-11-20T18:00:00+05:30', '2026-11-20T18:00:00+05:30'],
    ['later than 06:00 does not', '2026-11-21T06:30:00+05:30', '2026-11-21T06:00:00+05:30'],
  ])('looks into the token: an end of its own that is %s', async (_what, own, expected) => {
    const claims = Buffer.from(JSON.stringify({ exp: Date.parse(own) / 1000 })).toString('base64url');
    const { origin, close } = await listen((_req, res) => {
      res.end(`{"s":"ok","code":200,"access_token":"e30.${claims}.c2ln"}`);
    });
    const adapter = createFyersAdapter({ clock, endpoints: { login: origin, api: origin } });
    const parameters = new URLSearchParams({ s: 'ok', auth_code: 'the-code', state: 'the-state' });
    const { credentials } = server;
    const request = { credentials, parameters, expectedState: 'the-state', redirectUri, codeVerifier: '' };
    expect(await adapter.exchange(request)).toMatchObject({ expiresAt: Date.parse(expected) });
    await close();
  });

  it('keeps no refresh token: the flow has ended', async () => {
    expect(create().refresh).toBeUndefined();
    expect(await exchange(await comeBack())).not.toHaveProperty('refreshToken');
  });
});

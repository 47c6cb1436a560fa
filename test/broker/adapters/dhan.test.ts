import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDhanAdapter } from '../../../src/broker/adapters/dhan.ts';
import type { AppCredentials } from '../../../src/broker/broker-adapter.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { pressButton } from '../protocol-servers/consent-page.ts';
import { type DhanServer, startDhanServer } from '../protocol-servers/dhan.ts';
import { listen } from '../protocol-servers/protocol-server.ts';

const redirectUri = 'https://curfew.example/auth/broker/dhan/callback';

describe('The adapter of Dhan v2', () => {
  let clock: SettableClock;
  let server: DhanServer;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    server = await startDhanServer({ clock, redirectUri });
  });
  afterEach(() => server.close());

  const create = () => createDhanAdapter({ clock, endpoints: server.endpoints });
  const start = (credentials: AppCredentials = server.credentials) =>
    create().startAuthorization({ credentials, state: 'the-state', redirectUri, codeChallenge: '' });
  async function comeBack(decision: 'allow' | 'deny' = 'allow'): Promise<URL> {
    const result = await start();
    if (result.kind !== 'redirect') throw new Error(result.why);
    return pressButton(result.url, decision);
  }
  const exchange = (parameters: URLSearchParams, adapter = create()) =>
    adapter.exchange({
      credentials: server.credentials,
      parameters,
      expectedState: undefined,
      redirectUri,
      codeVerifier: '',
    });

  it('asks for a consent first, and sends people to it', async () => {
    const result = await start();
    expect(result).toMatchObject({ kind: 'redirect' });
    if (result.kind === 'redirect') expect(result.url.search).toMatch(/^\?consentAppId=[0-9a-f-]{36}$/);
  });

  it('is refused a consent with a wrong key, or for another client', async () => {
    const refused = { kind: 'refused', why: 'unauthorized_client' };
    expect(await start({ ...server.credentials, apiKey: 'another' })).toEqual(refused);
    expect(await start({ ...server.credentials, clientId: '1000000002' })).toEqual(refused);
  });

  it('gets nothing back but a tokenId, behind a slash', async () => {
    const { pathname, searchParams } = await comeBack();
    expect(pathname).toBe('/auth/broker/dhan/callback/');
    expect([...searchParams.keys()]).toEqual(['tokenId']);
  });

  it("connects nobody to somebody else's account, with whatever tokenId", async () => {
    server.loginAs('1000000666');
    expect(await exchange((await comeBack()).searchParams)).toEqual({
      kind: 'refused',
      why: 'other_account',
    });
  });

  it('reads the end of the token as Indian time', async () => {
    const result = await exchange((await comeBack()).searchParams);
    expect(result).toMatchObject({ expiresAt: Date.parse('2026-11-21T09:15:00+05:30') });
  });

  it.each([
    ['2026-11-21T00:00:00.000', '2026-11-21T00:00:00+05:30'],
    ['2026-11-21T09:14:59', '2026-11-21T09:14:59+05:30'],
  ])('understands %s', async (expiryTime, end) => {
    expect(await exchangeAgainst({ expiryTime })).toMatchObject({ expiresAt: Date.parse(end) });
  });

  it.each([
    ['has ended already', { expiryTime: '2026-11-20T09:15:00' }, 'refused'],
    ['ends some day', { expiryTime: 'tomorrow' }, 'unreachable'],
    ['has no end', { expiryTime: undefined }, 'unreachable'],
    ['says nothing of whose it is', { dhanClientId: undefined }, 'unreachable'],
  ])('takes no token that %s', async (_what, changes, kind) => {
    expect(await exchangeAgainst(changes)).toMatchObject({ kind });
  });

  async function exchangeAgainst(changes: Readonly<Record<string, unknown>>) {
    const answer = {
      dhanClientId: server.credentials['clientId'],
      accessToken: 'the-token',
      expiryTime: '2026-11-21T09:15:00',
      ...changes,
    };
    const { origin, close } = await listen((_req, res) => void res.end(JSON.stringify(answer)));
    const adapter = createDhanAdapter({ clock, endpoints: { login: `${origin}/login`, api: origin } });
    try {
      return await exchange(new URLSearchParams({ tokenId: 'x' }), adapter);
    } finally {
      await close();
    }
  }
});

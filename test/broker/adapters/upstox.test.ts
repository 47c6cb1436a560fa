import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUpstoxAdapter } from '../../../src/broker/adapters/upstox.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { pressButton } from '../protocol-servers/consent-page.ts';
import type { ProtocolServer } from '../protocol-servers/protocol-server.ts';
import { startUpstoxServer } from '../protocol-servers/upstox.ts';

const redirectUri = 'https://curfew.example/auth/broker/upstox/callback';

describe('The adapter of Upstox v2', () => {
  let clock: SettableClock;
  let server: ProtocolServer;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    server = await startUpstoxServer({ clock, redirectUri });
  });
  afterEach(() => server.close());

  const create = () => createUpstoxAdapter({ clock, endpoints: server.endpoints });
  async function comeBack(sentUri = redirectUri): Promise<URLSearchParams> {
    const { credentials } = server;
    const start = { credentials, state: 'the-state', redirectUri: sentUri, codeChallenge: '' };
    const result = await create().startAuthorization(start);
    if (result.kind !== 'redirect') throw new Error(result.why);
    return (await pressButton(result.url, 'allow')).searchParams;
  }
  const exchange = (parameters: URLSearchParams, sentUri = redirectUri) =>
    create().exchange({
      credentials: server.credentials,
      parameters,
      expectedState: 'the-state',
      redirectUri: sentUri,
      codeVerifier: '',
    });

  it('sends people to the published address', async () => {
    const adapter = createUpstoxAdapter({ clock });
    const credentials = { apiKey: 'key', apiSecret: 'secret' };
    const start = { credentials, state: 'the-state', redirectUri, codeChallenge: '' };
    expect(await adapter.startAuthorization(start)).toEqual({
      kind: 'redirect',
      url: new URL(
        `https://api.upstox.com/v2/login/authorization/dialog?response_type=code&client_id=key&redirect_uri=${encodeURIComponent(redirectUri)}&state=the-state`,
      ),
    });
  });

  it.each([
    ['2026-11-24T20:00:00+05:30', '2026-11-25T03:30:00+05:30'],
    ['2026-11-25T02:30:00+05:30', '2026-11-25T03:30:00+05:30'],
    ['2026-11-25T03:29:59.999+05:30', '2026-11-25T03:30:00+05:30'],
    ['2026-11-25T03:30:00+05:30', '2026-11-26T03:30:00+05:30'],
  ])('counts a token of %s as dead at %s, as its documentation has it', async (now, end) => {
    clock.set(now);
    expect(await exchange(await comeBack())).toMatchObject({ kind: 'granted', expiresAt: Date.parse(end) });
  });

  it('is refused where the redirect address is not the registered one', async () => {
    const other = `${redirectUri}/other`;
    await expect(comeBack(other)).rejects.toThrow('The page answered 401');
    const why = 'invalid_redirect_uri';
    expect(await exchange(await comeBack(), other)).toEqual({ kind: 'refused', why });
  });

  it('cannot use a code again after an exchange that failed', async () => {
    const answer = await comeBack();
    await exchange(answer, `${redirectUri}/other`);
    expect(await exchange(answer)).toEqual({ kind: 'refused', why: 'invalid_grant' });
  });

  it.each(['error=access_denied', 'error=server_error&code=x', ''])(
    'takes no code from “%s”',
    async (query) => {
      const result = await exchange(new URLSearchParams(`state=the-state&${query}`));
      expect(result.kind).toBe(query === 'error=access_denied' ? 'denied' : 'refused');
    },
  );
});

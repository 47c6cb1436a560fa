import * as oauth from 'oauth4webapi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MINUTE_MS } from '../../../src/core/duration.ts';
import type { Database } from '../../../src/storage/database.ts';
import { openMemory } from '../../support/databases.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { PUBLIC_ORIGIN, type SandboxApp, startSandboxApp } from './sandbox-app.ts';

const REDIRECT_URI = `${PUBLIC_ORIGIN}/auth/broker/sandbox/callback`;
const tokensSchema = z.object({
  access_token: z.string(),
  feed_token: z.string(),
  refresh_token: z.string(),
  token_type: z.string(),
  expires_in: z.number(),
});
const readTokens = async (response: Response) => tokensSchema.parse(await response.json());
const VERIFIER = 'a-verifier-of-forty-three-letters-or-more-000';

describe("The practice broker's protocol", () => {
  let database: Database;
  let clock: SettableClock;
  let app: SandboxApp;
  let request: Record<string, string>;

  beforeEach(async () => {
    database = await openMemory();
    clock = createSettableClock(MORNING);
    app = await startSandboxApp(database, clock);
    request = {
      response_type: 'code',
      client_id: 'curfew',
      redirect_uri: REDIRECT_URI,
      state: 'the-state',
      code_challenge: await oauth.calculatePKCECodeChallenge(VERIFIER),
      code_challenge_method: 'S256',
    };
  });
  afterEach(async () => {
    await app.close();
    await database.close();
  });

  const ask = (parameters: Record<string, string> | string[][] = request, headers = {}) =>
    fetch(`${app.internalOrigin}/sandbox/authorize?${new URLSearchParams(parameters)}`, {
      redirect: 'manual',
      headers,
    });
  const post = (path: string, fields: Record<string, string> | string[][] | string) =>
    fetch(app.internalOrigin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
    });
  const decide = (decision: string, fields = request) => post('/sandbox/authorize', { ...fields, decision });
  const answerOf = (response: Response) => new URL(response.headers.get('location') ?? '').searchParams;
  async function getCode(): Promise<string> {
    return answerOf(await decide('allow')).get('code') ?? '';
  }
  const exchange = (code: string, changes: Record<string, string> = {}) =>
    post('/sandbox/token', {
      grant_type: 'authorization_code',
      client_id: 'curfew',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
      ...changes,
    });
  const getTokens = async () => readTokens(await exchange(await getCode()));
  const profile = (token: string) =>
    fetch(`${app.internalOrigin}/sandbox/profile`, { headers: { authorization: `Bearer ${token}` } });
  const revoke = (token: string, changes: Record<string, string> = {}) =>
    post('/sandbox/revoke', { client_id: 'curfew', token, ...changes });

  it('publishes its metadata where RFC 8414 says, with public addresses', async () => {
    const response = await fetch(`${app.internalOrigin}/.well-known/oauth-authorization-server/sandbox`);
    expect(await response.json()).toMatchObject({
      issuer: `${PUBLIC_ORIGIN}/sandbox`,
      authorization_endpoint: `${PUBLIC_ORIGIN}/sandbox/authorize`,
      token_endpoint: `${PUBLIC_ORIGIN}/sandbox/token`,
      revocation_endpoint: `${PUBLIC_ORIGIN}/sandbox/revoke`,
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      authorization_response_iss_parameter_supported: true,
    });
  });

  describe('The page that asks', () => {
    it('says who asks and for whom, and carries the request in its form', async () => {
      const response = await ask();
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ clientName: 'Curfew', subject: 'asha', hidden: request });
    });

    it('is only for people who are signed in', async () => {
      expect((await ask(request, { 'x-visitor': 'yes' })).status).toBe(401);
    });

    it('answers with a code, the state and who it is', async () => {
      const response = await decide('allow');
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toMatch(`${REDIRECT_URI}?`);
      const answer = answerOf(response);
      expect(answer.get('code')).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(answer.get('state')).toBe('the-state');
      expect(answer.get('iss')).toBe(`${PUBLIC_ORIGIN}/sandbox`);
    });

    it.each(['deny', '', 'perhaps'])('takes "%s" for a no', async (decision) => {
      const answer = answerOf(await decide(decision));
      expect(Object.fromEntries(answer)).toEqual({
        error: 'access_denied',
        state: 'the-state',
        iss: `${PUBLIC_ORIGIN}/sandbox`,
      });
    });

    it.each([
      ['an unknown client', { client_id: 'somebody-else' }],
      ['another address to answer to', { redirect_uri: `${REDIRECT_URI}/evil` }],
      ['an address that only begins the same', { redirect_uri: `${REDIRECT_URI}.evil.example` }],
      ['no address', { redirect_uri: '' }],
    ])('redirects nobody for %s', async (_what, changes) => {
      for (const response of [
        await ask({ ...request, ...changes }),
        await decide('allow', { ...request, ...changes }),
      ]) {
        expect(response.status).toBe(400);
        expect(response.headers.get('location')).toBeNull();
      }
    });

    it.each([
      ['no PKCE', { code_challenge: '' }, 'invalid_request'],
      ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
      ['another flow', { response_type: 'token' }, 'unsupported_response_type'],
    ])('sends the client away that wants %s', async (_what, changes, error) => {
      for (const response of [
        await ask({ ...request, ...changes }),
        await decide('allow', { ...request, ...changes }),
      ]) {
        const answer = answerOf(response);
        expect(answer.get('error')).toBe(error);
        expect(answer.get('state')).toBe('the-state');
        expect(answer.get('code')).toBeNull();
      }
    });

    it('takes no parameter twice', async () => {
      const twice = [...Object.entries(request), ['code_challenge', request['code_challenge'] ?? '']];
      expect(answerOf(await ask(twice)).get('error')).toBe('invalid_request');
    });
  });

  describe('The token endpoint', () => {
    it('gives an access token and a feed token for a code, to be kept by nobody in between', async () => {
      const response = await exchange(await getCode());
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const tokens = await readTokens(response);
      expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
      expect(tokens.access_token).toMatch(/^sandbox-access-/);
      expect(tokens.feed_token).toMatch(/^sandbox-feed-/);
      expect(await (await profile(tokens.access_token)).json()).toMatchObject({ subject: 'asha' });
    });

    it.each([
      ['a wrong verifier', { code_verifier: VERIFIER.replace('a', 'b') }],
      ['another redirect_uri', { redirect_uri: 'https://evil.example/' }],
      ['a code that nobody gave', { code: 'invented' }],
    ])('refuses %s', async (_what, changes) => {
      const response = await exchange(await getCode(), changes);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: 'invalid_grant' });
    });

    it('takes a code for a minute', async () => {
      const inTime = await getCode();
      clock.advance(MINUTE_MS - 1);
      expect((await exchange(inTime)).status).toBe(200);
      const late = await getCode();
      clock.advance(MINUTE_MS);
      expect(await (await exchange(late)).json()).toEqual({ error: 'invalid_grant' });
    });

    it('takes a code once, and ends its tokens when it is shown again', async () => {
      const code = await getCode();
      const { access_token: token } = await readTokens(await exchange(code));
      expect(await (await exchange(code)).json()).toEqual({ error: 'invalid_grant' });
      expect((await profile(token)).status).toBe(401);
    });

    it('uses a code up at a wrong verifier: nobody may guess', async () => {
      const code = await getCode();
      await exchange(code, { code_verifier: VERIFIER.replace('a', 'b') });
      expect((await exchange(code)).status).toBe(400);
    });

    it('knows one client', async () => {
      const response = await exchange(await getCode(), { client_id: 'somebody-else' });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ error: 'invalid_client' });
    });

    describe('for a refresh token', () => {
      const refresh = (refreshToken: string, changes: Record<string, string> = {}) =>
        post('/sandbox/token', {
          grant_type: 'refresh_token',
          client_id: 'curfew',
          refresh_token: refreshToken,
          ...changes,
        });

      it('gives the next tokens and its own successor', async () => {
        const first = await getTokens();
        const response = await refresh(first.refresh_token);
        expect(response.headers.get('cache-control')).toBe('no-store');
        const next = await readTokens(response);
        expect((await profile(next.access_token)).status).toBe(200);
        expect((await refresh(next.refresh_token)).status).toBe(200);
      });

      it('refuses a used one, and ends what came of it', async () => {
        const first = await getTokens();
        const next = await readTokens(await refresh(first.refresh_token));
        expect(await (await refresh(first.refresh_token)).json()).toEqual({ error: 'invalid_grant' });
        expect((await profile(next.access_token)).status).toBe(401);
      });

      it('knows one client, and wants the token', async () => {
        const { refresh_token: token } = await getTokens();
        expect((await refresh(token, { client_id: 'somebody-else' })).status).toBe(401);
        const without = await post('/sandbox/token', { grant_type: 'refresh_token', client_id: 'curfew' });
        expect(await without.json()).toEqual({ error: 'invalid_request' });
        expect((await refresh(token)).status).toBe(200);
      });
    });

    it('knows no other grant', async () => {
      const response = await exchange(await getCode(), { grant_type: 'password' });
      expect(await response.json()).toEqual({ error: 'unsupported_grant_type' });
    });

    it.each([
      ['nothing', ''],
      ['no verifier', 'grant_type=authorization_code&client_id=curfew&code=a&redirect_uri=b'],
      ['a parameter twice', 'grant_type=authorization_code&grant_type=authorization_code'],
      ['a huge body', `code=${'x'.repeat(20_000)}`],
    ])('calls %s malformed', async (_what, body) => {
      const response = await post('/sandbox/token', body);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: 'invalid_request' });
    });

    it('takes no other method and no other kind of body', async () => {
      expect((await fetch(`${app.internalOrigin}/sandbox/token`)).status).toBe(405);
      const json = await fetch(`${app.internalOrigin}/sandbox/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"grant_type":"authorization_code"}',
      });
      expect(await json.json()).toEqual({ error: 'invalid_request' });
    });
  });

  describe('The end of a token', () => {
    it('comes by revocation of the access token', async () => {
      const { access_token: token } = await getTokens();
      const response = await revoke(token);
      expect(response.status).toBe(200);
      expect((await profile(token)).status).toBe(401);
    });

    it('comes by revocation of its feed token', async () => {
      const { access_token: token, feed_token: feedToken } = await getTokens();
      await revoke(feedToken);
      expect((await profile(token)).status).toBe(401);
    });

    it('is announced with 200 for a token that is dead or unknown', async () => {
      const { access_token: token } = await getTokens();
      await revoke(token);
      expect((await revoke(token)).status).toBe(200);
      expect((await revoke('never-heard-of')).status).toBe(200);
    });

    it('is not for a stranger to order', async () => {
      const { access_token: token } = await getTokens();
      expect((await revoke(token, { client_id: 'somebody-else' })).status).toBe(401);
      expect((await post('/sandbox/revoke', { client_id: 'curfew' })).status).toBe(400);
      expect((await profile(token)).status).toBe(200);
    });

    it('comes by itself after an hour', async () => {
      const { access_token: token, expires_in: seconds } = await getTokens();
      clock.advance(seconds * 1000 - 1);
      expect((await profile(token)).status).toBe(200);
      clock.advance(1);
      const response = await profile(token);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('invalid_token');
    });

    it('leaves nothing to see for whoever has no token', async () => {
      const response = await fetch(`${app.internalOrigin}/sandbox/profile`);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="sandbox"');
    });
  });
});

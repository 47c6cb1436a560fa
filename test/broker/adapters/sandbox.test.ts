import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oauth from 'oauth4webapi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSandboxAdapter } from '../../../src/broker/adapters/sandbox.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/core/duration.ts';
import type { Database } from '../../../src/storage/database.ts';
import { openMemory } from '../../support/databases.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { PUBLIC_ORIGIN, type SandboxApp, startSandboxApp } from '../sandbox/sandbox-app.ts';

const redirectUri = `${PUBLIC_ORIGIN}/auth/broker/sandbox/callback`;
const codeVerifier = oauth.generateRandomCodeVerifier();
const state = 'the-state';
const credentials = {};

describe('The adapter of the practice broker', () => {
  let database: Database;
  let clock: SettableClock;
  let app: SandboxApp;

  beforeEach(async () => {
    database = await openMemory();
    clock = createSettableClock(MORNING);
    app = await startSandboxApp(database, clock);
  });
  afterEach(async () => {
    await app.close();
    await database.close();
  });

  const create = (internalOrigin = app.internalOrigin) =>
    createSandboxAdapter({ clock, publicOrigin: PUBLIC_ORIGIN, internalOrigin: () => internalOrigin });

  async function start(): Promise<URL> {
    const codeChallenge = await oauth.calculatePKCECodeChallenge(codeVerifier);
    const result = await create().startAuthorization({ credentials, state, redirectUri, codeChallenge });
    if (result.kind !== 'redirect') throw new Error(result.why);
    return result.url;
  }

  /** What the browser would come back with. */
  async function comeBack(decision = 'allow'): Promise<URLSearchParams> {
    const { searchParams } = await start();
    const response = await fetch(`${app.internalOrigin}/sandbox/authorize`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams([...searchParams, ['decision', decision]]),
    });
    return new URL(response.headers.get('location') ?? '').searchParams;
  }
  const exchange = (parameters: URLSearchParams, adapter = create()) =>
    adapter.exchange({ credentials, parameters, expectedState: state, redirectUri, codeVerifier });
  async function getToken(): Promise<string> {
    const result = await exchange(await comeBack());
    if (result.kind !== 'granted') throw new Error(result.kind);
    return result.accessToken;
  }
  const profileStatus = async (token: string) =>
    (await fetch(`${app.internalOrigin}/sandbox/profile`, { headers: { authorization: `Bearer ${token}` } }))
      .status;

  it('sends people to the public address, with PKCE', async () => {
    const url = await start();
    expect(url.origin + url.pathname).toBe(`${PUBLIC_ORIGIN}/sandbox/authorize`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'curfew',
      redirect_uri: redirectUri,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    });
  });

  it('gets the tokens over the internal address', async () => {
    const result = await exchange(await comeBack());
    expect(result).toEqual({
      kind: 'granted',
      accessToken: expect.stringMatching(/^sandbox-access-/),
      feedToken: expect.stringMatching(/^sandbox-feed-/),
      refreshToken: expect.stringMatching(/^sandbox-refresh-/),
      expiresAt: clock.now() + HOUR_MS,
    });
  });

  describe('refreshing', () => {
    const refresh = (refreshToken: string) => create().refresh?.({ credentials, refreshToken });
    async function getGrant() {
      const result = await exchange(await comeBack());
      if (result.kind !== 'granted') throw new Error(result.kind);
      return { ...result, refreshToken: result.refreshToken ?? '' };
    }

    it('gets the next tokens, which live on when the first have ended', async () => {
      const first = await getGrant();
      clock.advance(55 * MINUTE_MS);
      const next = await refresh(first.refreshToken);
      if (next?.kind !== 'granted') throw new Error(next?.why);
      expect(next.expiresAt).toBe(clock.now() + HOUR_MS);
      clock.advance(5 * MINUTE_MS);
      expect(await profileStatus(first.accessToken)).toBe(401);
      expect(await profileStatus(next.accessToken)).toBe(200);
      expect([next.accessToken, next.feedToken, next.refreshToken]).not.toContain(first.refreshToken);
    });

    it('is refused for good with a token that was used, revoked, made up, or is a day old', async () => {
      const no = { kind: 'refused', why: 'invalid_grant' };
      const used = await getGrant();
      await refresh(used.refreshToken);
      expect(await refresh(used.refreshToken)).toEqual(no);
      const revoked = await getGrant();
      await create().revoke?.({ credentials, accessToken: revoked.accessToken });
      expect(await refresh(revoked.refreshToken)).toEqual(no);
      expect(await refresh('made-up')).toEqual(no);
      const old = await getGrant();
      clock.advance(DAY_MS);
      expect(await refresh(old.refreshToken)).toEqual(no);
    });

    it('is not refused by a broker that is not well', async () => {
      const { refreshToken } = await getGrant();
      expect(await create('http://127.0.0.1:1').refresh?.({ credentials, refreshToken })).toEqual({
        kind: 'unreachable',
        why: 'network',
      });
      expect(await refresh(refreshToken)).toMatchObject({ kind: 'granted' });
    });
  });

  it('ends a token at the broker, and takes a dead one for done', async () => {
    const accessToken = await getToken();
    expect(await profileStatus(accessToken)).toBe(200);
    expect(await create().revoke?.({ credentials, accessToken })).toEqual({ kind: 'done' });
    expect(await profileStatus(accessToken)).toBe(401);
    expect(await create().revoke?.({ credentials, accessToken })).toEqual({ kind: 'done' });
  });

  it('understands a no', async () => {
    expect(await exchange(await comeBack('deny'))).toEqual({ kind: 'denied' });
  });

  it('takes no answer of another issuer, and none that does not say whose it is', async () => {
    const other = await comeBack();
    other.set('iss', 'https://another-broker.example');
    expect(await exchange(other)).toEqual({ kind: 'refused', why: 'invalid_response' });
    const silent = await comeBack();
    silent.delete('iss');
    expect(await exchange(silent)).toEqual({ kind: 'refused', why: 'invalid_response' });
  });

  it('takes no answer to another question', async () => {
    const answer = await comeBack();
    answer.set('state', 'another-state');
    expect(await exchange(answer)).toEqual({ kind: 'refused', why: 'invalid_response' });
  });

  it("passes the broker's refusal on in its own word", async () => {
    const answer = await comeBack();
    answer.set('code', 'invented');
    expect(await exchange(answer)).toEqual({ kind: 'refused', why: 'invalid_grant' });
  });

  it("does not repeat a stranger's words", async () => {
    const answer = await comeBack('deny');
    answer.set('error', '<script>alert(1)</script>');
    expect(await exchange(answer)).toEqual({ kind: 'refused', why: 'other_error' });
  });

  describe('when the broker is not well', () => {
    async function withServer<T>(listener: RequestListener, use: (origin: string) => Promise<T>): Promise<T> {
      const server = createServer(listener).listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    }
    const revokeAt = async (origin: string) =>
      create(origin).revoke?.({ credentials, accessToken: 'the token' });

    it('says so where nobody listens', async () => {
      await app.close();
      expect(await revokeAt(app.internalOrigin)).toEqual({ kind: 'unreachable', why: 'network' });
      app = await startSandboxApp(database, clock);
    });

    it('says so where an error page of some proxy answers', async () => {
      const errorPage: RequestListener = (_req, res) => void res.writeHead(502).end('<h1>Bad gateway</h1>');
      expect(await withServer(errorPage, revokeAt)).toEqual({ kind: 'unreachable', why: 'garbled_response' });
    });

    it('says so where the answer is cut off', async () => {
      const half: RequestListener = (_req, res) => {
        res.writeHead(200, { 'content-type': 'application/json' }).end('{"issuer":');
      };
      expect(await withServer(half, revokeAt)).toEqual({ kind: 'unreachable', why: 'garbled_response' });
    });

    it('waits five seconds and no longer', async () => {
      const startedAt = performance.now();
      expect(await withServer(() => undefined, revokeAt)).toEqual({ kind: 'unreachable', why: 'timeout' });
      expect(performance.now() - startedAt).toBeLessThan(7000);
    });

    it('takes no metadata of another issuer', async () => {
      const other: RequestListener = (_req, res) => {
        res
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"issuer":"https://evil.example","token_endpoint":"https://evil.example/token"}');
      };
      expect(await withServer(other, revokeAt)).toEqual({ kind: 'refused', why: 'invalid_response' });
    });

    it('asks again after a failure', async () => {
      let origin = 'http://127.0.0.1:1';
      const adapter = createSandboxAdapter({
        clock,
        publicOrigin: PUBLIC_ORIGIN,
        internalOrigin: () => origin,
      });
      expect(await adapter.revoke?.({ credentials, accessToken: 'x' })).toMatchObject({
        kind: 'unreachable',
      });
      origin = app.internalOrigin;
      expect(await adapter.revoke?.({ credentials, accessToken: 'x' })).toEqual({ kind: 'done' });
    });
  });
});

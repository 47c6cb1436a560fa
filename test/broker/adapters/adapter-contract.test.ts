import * as oauth from 'oauth4webapi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppCredentials, BrokerGrant, ExchangeRequest } from '../../../src/broker/broker-adapter.ts';
import { DAY_MS } from '../../../src/core/duration.ts';
import { createSettableClock, type SettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { type BrokerTrial, TRIALS } from './broker-trials.ts';

const STATE = 'a-state-that-only-this-session-knows';
const verifier = oauth.generateRandomCodeVerifier();

describe.each(Object.keys(TRIALS))('The adapter of %s', (name) => {
  let clock: SettableClock;
  let trial: BrokerTrial;

  beforeEach(async () => {
    clock = createSettableClock(MORNING);
    const start = TRIALS[name];
    if (start === undefined) throw new Error(name);
    trial = await start(clock);
  });
  afterEach(() => trial.close());

  async function start(credentials: AppCredentials = trial.credentials) {
    const codeChallenge = await oauth.calculatePKCECodeChallenge(verifier);
    const { adapter, redirectUri } = trial;
    return adapter.startAuthorization({ credentials, state: STATE, redirectUri, codeChallenge });
  }
  async function openPage(): Promise<URL> {
    const result = await start();
    if (result.kind !== 'redirect') throw new Error(result.why);
    return result.url;
  }
  const comeBack = async (decision: 'allow' | 'deny' = 'allow') =>
    trial.authorize(await openPage(), decision);
  const exchange = (parameters: URLSearchParams, changes: Partial<ExchangeRequest> = {}) =>
    trial.adapter.exchange({
      credentials: trial.credentials,
      parameters,
      expectedState: STATE,
      redirectUri: trial.redirectUri,
      codeVerifier: verifier,
      ...changes,
    });
  async function connect(): Promise<BrokerGrant> {
    const result = await exchange(await comeBack());
    if (result.kind !== 'granted') throw new Error(JSON.stringify(result));
    return result;
  }

  async function revoke(accessToken: string) {
    const { adapter, credentials } = trial;
    if (adapter.revoke === undefined) throw new Error(`${name} has no logout`);
    return adapter.revoke({ credentials, accessToken });
  }

  it('gets a token that works', async () => {
    const { accessToken, clientId } = await connect();
    expect(await trial.profileStatus(accessToken)).toBe(200);
    expect(await trial.profileStatus(`${accessToken}x`)).not.toBe(200);
    expect(clientId).toBe(trial.saysWhose ? trial.clientId : undefined);
  });

  if (name !== 'sandbox')
    it('opens the price feed with the access token, and with no other', async () => {
      const { accessToken, feedToken } = await connect();
      expect(feedToken).toBeUndefined();
      expect(await trial.feedStatus?.(accessToken)).toBe(200);
      expect(await trial.feedStatus?.(`${accessToken}x`)).toBeGreaterThanOrEqual(400);
    });

  it('says whether the broker takes a token, and whose account it is', async () => {
    const { adapter, credentials, clientId } = trial;
    const { accessToken, expiresAt } = await connect();
    expect(await adapter.checkToken?.({ credentials, accessToken })).toEqual({ kind: 'accepted', clientId });
    clock.set(expiresAt);
    expect(await adapter.checkToken?.({ credentials, accessToken })).toEqual({ kind: 'rejected' });
  });

  it('knows when the broker ends the token: not a moment later than the broker', async () => {
    const { accessToken, expiresAt } = await connect();
    clock.set(expiresAt - 1000);
    expect(await trial.profileStatus(accessToken)).toBe(200);
    clock.set(expiresAt);
    expect(await trial.profileStatus(accessToken)).not.toBe(200);
  });

  if (name === 'dhan')
    it('offers no logout, and its token lives on at the broker', async () => {
      const { accessToken } = await connect();
      expect(trial.adapter.revoke).toBeUndefined();
      expect(await trial.profileStatus(accessToken)).toBe(200);
    });
  else
    it('ends a token at the broker, and takes a dead one for done', async () => {
      const { accessToken } = await connect();
      expect(await revoke(accessToken)).toEqual({ kind: 'done' });
      expect(await trial.profileStatus(accessToken)).toBeGreaterThanOrEqual(400);
      if (trial.feedStatus) expect(await trial.feedStatus(accessToken)).toBeGreaterThanOrEqual(400);
      expect(await revoke(accessToken)).toEqual({ kind: 'done' });
    });

  if (name !== 'dhan')
    it('takes a token that ended by itself for logged out', async () => {
      const { accessToken, expiresAt } = await connect();
      clock.set(expiresAt);
      expect(await revoke(accessToken)).toEqual({ kind: 'done' });
    });

  it('understands a no', async () => {
    const answer = await comeBack('deny');
    const expectedState = answer.has('state') ? STATE : undefined;
    const no = { kind: 'denied' };
    // Fyers publishes that it says `s=error`, and not why.
    const refused = { kind: 'refused', why: 'authorization_refused' };
    expect(await exchange(answer, { expectedState })).toEqual(name === 'fyers' ? refused : no);
  });

  it('is refused when an answer is used a second time', async () => {
    const answer = await comeBack();
    expect(await exchange(answer)).toMatchObject({ kind: 'granted' });
    expect(await exchange(answer)).toMatchObject({ kind: 'refused' });
  });

  it('is refused when an answer is a day old', async () => {
    const answer = await comeBack();
    clock.advance(DAY_MS);
    expect(await exchange(answer)).toMatchObject({ kind: 'refused' });
  });

  it('is refused with a made-up answer', async () => {
    const answer = await comeBack();
    for (const parameter of ['code', 'request_token', 'auth_code', 'tokenId'])
      if (answer.has(parameter)) answer.set(parameter, 'made-up');
    expect(await exchange(answer)).toMatchObject({ kind: 'refused' });
  });

  it('takes no answer to another question, and none that answers two, without using it up', async () => {
    const answer = await comeBack();
    if (!answer.has('state')) return expect(trial.adapter.mayOmitState).toBe(true);
    const invalid = { kind: 'refused', why: 'invalid_response' };
    expect(await exchange(answer, { expectedState: 'another-state' })).toEqual(invalid);
    expect(await exchange(answer, { expectedState: undefined })).toEqual(invalid);
    expect(await exchange(new URLSearchParams([...answer, ['state', STATE]]))).toEqual(invalid);
    expect(await exchange(answer)).toMatchObject({ kind: 'granted' });
  });

  it('takes no answer without a state for one of somebody’s, unless it says so', async () => {
    const answer = await comeBack();
    const hadState = answer.has('state');
    answer.delete('state');
    const result = await exchange(answer, { expectedState: undefined });
    if (hadState) expect(result).toEqual({ kind: 'refused', why: 'invalid_response' });
    else expect(trial.adapter.mayOmitState).toBe(true);
  });

  it('asks for what it needs, and says which of it is secret', () => {
    const { credentialFields } = trial.adapter;
    expect(credentialFields.map((field) => field.name).sort()).toEqual(Object.keys(trial.credentials).sort());
    for (const field of credentialFields)
      expect(field.secret, field.name).toBe(trial.secrets().includes(trial.credentials[field.name] ?? ''));
  });

  it('says where on the broker’s page each of them stands, and where that page is', () => {
    const { credentialFields, developerPage } = trial.adapter;
    expect(developerPage === undefined).toBe(credentialFields.length === 0);
    if (developerPage !== undefined) expect(new URL(developerPage).protocol).toBe('https:');
    const help = credentialFields.map((field) => field.help);
    expect(new Set(help).size).toBe(help.length);
    for (const sentence of help) expect(sentence).toMatch(/^[A-Z].{20,}\.$/);
  });

  it('sends people where the CSP lets them go, with no secret in the address', async () => {
    const { origin, href } = await openPage();
    expect(trial.adapter.authorizationOrigins).toContain(origin);
    for (const secret of trial.secrets()) expect(href).not.toContain(secret);
  });

  if (name !== 'sandbox')
    it('is refused with a wrong secret, and does not repeat it', async () => {
      const answer = await comeBack();
      const wrong = { ...trial.credentials, apiSecret: 'WRONG-SECRET', secretId: 'WRONG-SECRET' };
      const result = await exchange(answer, { credentials: wrong });
      expect(result).toMatchObject({ kind: 'refused' });
      expect(JSON.stringify(result)).not.toContain('WRONG-SECRET');
    });

  if (name !== 'sandbox')
    it('sends nobody and nothing anywhere with an unusable key or none', async () => {
      const invalid = { kind: 'refused', why: 'invalid_credentials' };
      const answer = await comeBack();
      for (const text of ['two\r\nlines', 'snow☃man', '', 'x'.repeat(5000)]) {
        const credentials = Object.fromEntries(Object.keys(trial.credentials).map((key) => [key, text]));
        expect(await start(credentials)).toEqual(invalid);
        expect(await exchange(answer, { credentials })).toEqual(invalid);
      }
      expect(await start({})).toEqual(invalid);
      expect(await exchange(answer)).toMatchObject({ kind: 'granted' });
    });
});

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createAdapters } from '../../../src/broker/adapters/all-adapters.ts';
import type { BrokerAdapter } from '../../../src/broker/broker-adapter.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';

const SECRET = 'THE-SECRET-OF-THE-APP';
const TOKEN = 'THE-ACCESS-TOKEN';
const CODE = 'THE-CODE';
const CREDENTIALS = {
  apiKey: 'key',
  apiSecret: SECRET,
  appId: 'key',
  secretId: SECRET,
  clientId: '1000000001',
};
const CALLBACK = {
  state: 'the-state',
  status: 'success',
  s: 'ok',
  request_token: CODE,
  code: CODE,
  auth_code: CODE,
  tokenId: CODE,
};
const REDIRECT_URI = 'https://curfew.example/auth/broker/x/callback';

const adaptersAt = (origin: string): readonly BrokerAdapter[] => {
  const endpoints = { login: `${origin}/login`, api: origin };
  return createAdapters({
    clock: createSettableClock(MORNING),
    publicOrigin: 'https://curfew.example',
    internalOrigin: () => 'http://127.0.0.1:1',
    sandbox: false,
    endpoints: { zerodha: endpoints, upstox: endpoints, fyers: endpoints, dhan: endpoints },
  });
};

/** Everything for which an adapter asks the broker, at once; by adapter and by what was asked. */
async function askEverything(origin: string): Promise<Record<string, unknown>> {
  const credentials = CREDENTIALS;
  const questions = adaptersAt(origin).flatMap((adapter) => [
    [
      `${adapter.id} exchange`,
      adapter.exchange({
        credentials,
        parameters: new URLSearchParams(CALLBACK),
        expectedState: 'the-state',
        redirectUri: REDIRECT_URI,
        codeVerifier: 'v'.repeat(43),
      }),
    ] as const,
    adapter.revoke === undefined
      ? ([
          `${adapter.id} start`,
          adapter.startAuthorization({
            credentials,
            state: 'the-state',
            redirectUri: REDIRECT_URI,
            codeChallenge: 'c'.repeat(43),
          }),
        ] as const)
      : ([`${adapter.id} revoke`, adapter.revoke({ credentials, accessToken: TOKEN })] as const),
  ]);
  const answers = questions.map(async ([question, answer]) => [question, await answer] as const);
  return Object.fromEntries(await Promise.all(answers));
}

async function askAServerThat(listener: RequestListener): Promise<Record<string, unknown>> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await askEverything(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const sends =
  (status: number, body: string, type = 'application/json'): RequestListener =>
  (_req, res) =>
    void res.writeHead(status, { 'content-type': type }).end(body);

/** An answer that every broker's exchange would be content with. */
const successWith = (token: string): string =>
  JSON.stringify({
    status: 'success',
    s: 'ok',
    data: { access_token: token },
    access_token: token,
    accessToken: token,
    dhanClientId: CREDENTIALS.clientId,
    expiryTime: '2026-11-21T09:15:00',
    consentAppId: token,
  });

/** All eight gave the same answer, and it holds nothing of what was sent. */
function expectAll(answers: Record<string, unknown>, expected: unknown): void {
  expect(Object.keys(answers)).toHaveLength(8);
  for (const [question, answer] of Object.entries(answers)) expect(answer, question).toEqual(expected);
  const text = JSON.stringify(answers);
  for (const secret of [SECRET, TOKEN, CODE]) expect(text).not.toContain(secret);
}

const GARBLED = { kind: 'unreachable', why: 'garbled_response' };

describe('Each adapter, when its broker is not well,', () => {
  it('says so where nobody listens', async () => {
    expectAll(await askEverything('http://127.0.0.1:1'), { kind: 'unreachable', why: 'network' });
  });

  it('waits five seconds for an answer and no longer', async () => {
    const startedAt = performance.now();
    expectAll(await askAServerThat(() => undefined), { kind: 'unreachable', why: 'timeout' });
    expect(performance.now() - startedAt).toBeGreaterThan(4500);
    expect(performance.now() - startedAt).toBeLessThan(8000);
  });

  it('waits five seconds for the rest of an answer, too', async () => {
    const answers = await askAServerThat((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json' }).write('{"status":');
    });
    expectAll(answers, { kind: 'unreachable', why: 'timeout' });
  });

  it('says so where the connection breaks', async () => {
    const answers = await askAServerThat((_req, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('{"status":', () => res.destroy());
    });
    expectAll(answers, { kind: 'unreachable', why: 'network' });
  });

  it.each([
    ['a page of some proxy', sends(200, '<h1>Welcome</h1>', 'text/html')],
    ['a challenge page', sends(403, '<h1>Are you a person?</h1>', 'text/html')],
    ['half an answer', sends(200, '{"status":"success","data":{')],
    ['nothing', sends(200, '')],
    ['JSON that is no object', sends(200, 'null')],
    ['JSON of another protocol', sends(200, '{"hello":"there"}')],
    ['a refusal in another protocol', sends(400, '{"hello":"there"}')],
    ['100 MB', (_req, res) => pipeline(Readable.from(hundredMegabytes()), res, () => undefined)],
  ] satisfies [string, RequestListener][])('takes %s for no answer', async (_what, listener) => {
    expectAll(await askAServerThat(listener), GARBLED);
  });

  it('takes no token that cannot be one', async () => {
    const answers = await askAServerThat(sends(200, successWith('two\r\nlines')));
    for (const [question, answer] of Object.entries(answers))
      if (!question.endsWith('revoke')) expect(answer, question).toEqual(GARBLED);
  });

  it('reads 64 KiB and no more', async () => {
    const short = await askAServerThat(sends(200, successWith('a-token').padStart(65_536)));
    for (const [question, answer] of Object.entries(short))
      if (question.endsWith('exchange')) expect(answer, question).toMatchObject({ kind: 'granted' });
    expectAll(await askAServerThat(sends(200, successWith('a-token').padStart(65_537))), GARBLED);
  });

  it.each([500, 502, 503])('takes a %i for a passing failure, whatever it says', async (status) => {
    const body = `{"status":"error","error_type":"TokenException","s":"error","code":-16,"errors":[{"errorCode":"UDAPI100050"}]}`;
    expectAll(await askAServerThat(sends(status, body)), { kind: 'unreachable', why: 'server_error' });
  });

  it('takes too many requests for a passing failure', async () => {
    expectAll(await askAServerThat(sends(429, '{}')), { kind: 'unreachable', why: 'rate_limited' });
  });

  it('follows no redirect: it would carry the secrets along', async () => {
    const asked: string[] = [];
    const answers = await askAServerThat((req, res) => {
      asked.push(req.url ?? '');
      res.writeHead(307, { location: '/elsewhere' }).end();
    });
    expectAll(answers, { kind: 'unreachable', why: 'redirected' });
    expect(asked).not.toContain('/elsewhere');
  });

  it("does not repeat a broker's words", async () => {
    const words = '<script>alert(1)</script>';
    const body = JSON.stringify({
      status: 'error',
      message: words,
      error_type: words,
      s: 'error',
      code: -123_456,
      errors: [{ errorCode: words, message: words }],
    });
    expectAll(await askAServerThat(sends(400, body)), { kind: 'refused', why: 'other_error' });
  });
});

/** 100 MB, or less where nobody reads any more. */
function* hundredMegabytes() {
  for (let written = 0; written < 100; written += 1) yield 'x'.repeat(1_000_000);
}

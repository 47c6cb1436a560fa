import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { StoredKey } from '../../src/api/api-key.ts';
import { createSignalsEndpoint } from '../../src/api/endpoints/signals.ts';
import type { Signal, SignalReading, SignalRequest } from '../../src/core/signal.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { createApiClient, makeKey } from './api-client.ts';

const CALLER: StoredKey = {
  id: 'key',
  userId: 'asha',
  username: 'asha',
  name: 'Bot',
  scopes: ['signals:read'],
  expiresAt: undefined,
  addresses: { primary: undefined, secondary: undefined },
  secretHash: 'hash',
  ownerDisabled: false,
  ownerRole: 'user',
};

const SIGNAL: Signal = {
  id: 'one',
  cursor: 7,
  strategyId: 's',
  strategyName: 'Opening range',
  broker: 'sandbox',
  receivedAt: Date.parse('2026-11-23T10:00:00+05:30'),
  action: 'buy',
  exchange: 'NSE',
  tradingSymbol: 'SBIN',
  quantity: 10,
  product: 'MIS',
  price: undefined,
  clientId: undefined,
};

describe('the signals of a key’s owner', () => {
  function ask(query: object, reading: SignalReading, { isHead = false } = {}) {
    const asked: { userId: string; after: number; request: SignalRequest }[] = [];
    const endpoint = createSignalsEndpoint({
      async signalsAfter(userId, after, request) {
        asked.push({ userId, after, request });
        return reading;
      },
      noteFetch: () => undefined,
    });
    const abort = new AbortController().signal;
    const call = { caller: CALLER, origin: { actor: 'asha' }, params: {}, query, body: {}, isHead, abort };
    return { asked, answer: endpoint.answer(call) };
  }
  const page: SignalReading = { kind: 'page', signals: [SIGNAL], cursor: 7, ended: 'arrived' };

  it('are asked for from the beginning, without waiting, unless the query says otherwise', async () => {
    const plain = ask({}, page);
    expect(await plain.answer).toMatchObject({ cursor: 7, signals: [{ id: 'one', price: null }] });
    expect(plain.asked).toMatchObject([{ userId: 'asha', after: 0, request: { limit: 100, waitMs: 0 } }]);
    const waiting = ask({ after: '7', wait: '25', limit: '500' }, page);
    await waiting.answer;
    expect(waiting.asked).toMatchObject([{ after: 7, request: { limit: 500, waitMs: 25_000 } }]);
  });

  it('are not waited for by HEAD, which has no place for them', async () => {
    const head = ask({ wait: '25' }, page, { isHead: true });
    await head.answer;
    expect(head.asked).toMatchObject([{ request: { waitMs: 0 } }]);
  });

  it('are refused where too many requests wait, and where the cursor is of another server', async () => {
    await expect(ask({}, { kind: 'too_many_waiting', maximum: 10 }).answer).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 5,
    });
    await expect(ask({ after: '9' }, { kind: 'unknown_cursor', latest: 3 }).answer).rejects.toMatchObject({
      code: 'invalid',
      fields: { after: expect.stringContaining('after=0') },
    });
  });
});

describe('a request that waits for signals', () => {
  let server: TestServer;
  let owner: Visitor;

  beforeEach(async () => {
    server = await startTestServer();
    owner = createVisitor(server.origin);
    await setUp(owner);
    await signIn(owner);
  });
  afterEach(() => server.close());

  it('is refused as soon as its key is revoked, and not when its time is over', async () => {
    const { id, key } = await makeKey(owner);
    const client = createApiClient(server.origin, key);
    const waiting = client.ask('/api/v1/signals?wait=25');
    await eventually(async () =>
      expect((await owner.get('/metrics')).text).toContain('curfew_signal_requests_waiting 1'),
    );
    await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
    const revokedAt = performance.now();
    expect(await waiting).toMatchObject({ status: 401, body: { error: 'bad_api_key' } });
    expect(performance.now() - revokedAt).toBeLessThan(10_000);
  });

  it('with another key of the same person ends then, empty and with its cursor, and may come again', async () => {
    const { id } = await makeKey(owner);
    const { key } = await makeKey(owner);
    const client = createApiClient(server.origin, key);
    const waiting = client.ask('/api/v1/signals?wait=25');
    await eventually(async () =>
      expect((await owner.get('/metrics')).text).toContain('curfew_signal_requests_waiting 1'),
    );
    await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
    expect(await waiting).toMatchObject({ status: 200, body: { data: { signals: [], cursor: 0 } } });
    expect(await client.ask('/api/v1/signals')).toMatchObject({ status: 200 });
  });

  it('is answered, empty, when its time is over', async () => {
    const { key } = await makeKey(owner);
    const answer = await createApiClient(server.origin, key).ask('/api/v1/signals?wait=1');
    expect(answer).toMatchObject({ status: 200, body: { data: { signals: [], cursor: 0 } } });
  });
});

describe('a request that waits on another node', () => {
  it('is refused as soon as its key is revoked here', async () => {
    const env = {
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    };
    const [here, there] = await Promise.all([startTestServer({ env }), startTestServer({ env })]);
    try {
      const owner = createVisitor(here.origin);
      await setUp(owner);
      await signIn(owner);
      const { id, key } = await makeKey(owner);
      const waiting = createApiClient(there.origin, key).ask('/api/v1/signals?wait=25');
      await eventually(async () => {
        const metrics = await createVisitor(there.origin).get('/metrics');
        expect(metrics.text).toContain('curfew_signal_requests_waiting 1');
      });
      await owner.submit(`/api-keys/${id}/revocation`, {}, '/api-keys');
      const revokedAt = performance.now();
      expect(await waiting).toMatchObject({ status: 401 });
      expect(performance.now() - revokedAt).toBeLessThan(10_000);
    } finally {
      await Promise.all([here.close(), there.close()]);
    }
  });
});

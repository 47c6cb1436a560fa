import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerGrant, TokenCheck } from '../../src/broker/broker-adapter.ts';
import { createConnectionCheck } from '../../src/broker/connection-check.ts';
import { createRejection } from '../../src/broker/rejection.ts';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { createBrokerWorld, MORNING } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

let clock: SettableClock;
let server: TestServer;
let visitor: Visitor;
let answer: () => Promise<TokenCheck>;
let asked: string[];
let grants: number;

beforeAll(async () => {
  clock = createSettableClock(MORNING);
  const adapter = createFakeAdapter({
    id: 'fake',
    name: 'Fake broker',
    async startAuthorization({ state, redirectUri }) {
      return { kind: 'redirect', url: new URL(`${redirectUri}?state=${state}&code=1`) };
    },
    async exchange(): Promise<BrokerGrant> {
      grants += 1;
      const accessToken = `secret-token-${grants}`;
      return { kind: 'granted', accessToken, clientId: 'AB1234', expiresAt: clock.now() + DAY_MS };
    },
    revoke: async () => ({ kind: 'done' }),
    async checkToken({ accessToken }) {
      asked.push(accessToken);
      return answer();
    },
  });
  grants = 0;
  server = await startTestServer({ clock, adapters: [adapter] });
  visitor = createVisitor(server.origin);
  await setUp(visitor);
  await signIn(visitor);
});
afterAll(() => server.close());

beforeEach(async () => {
  asked = [];
  const { location } = await visitor.submit('/broker/fake/connection', {}, '/broker');
  const { pathname, search } = new URL(location);
  await visitor.get(pathname + search);
  clock.advance(61_000);
});

async function test(): Promise<string> {
  const { location } = await visitor.submit('/broker/fake/check', {}, '/broker');
  return (await visitor.get(location)).text;
}

describe('Test connection', () => {
  it('says that the broker accepts the token, and whose account it is', async () => {
    expect((await visitor.get('/broker')).text).toContain('<code>AB1234</code>');
    answer = async () => ({ kind: 'accepted', clientId: 'CD5678' });
    const page = await test();
    expect(page).toContain('the broker accepts this connection');
    expect(page).toContain('<code>CD5678</code>');
    expect(page).not.toContain('secret-token');
    expect(asked).toEqual([`secret-token-${grants}`]);
  });

  it('ends a connection that the broker rejects', async () => {
    answer = async () => ({ kind: 'rejected' });
    const page = await test();
    expect(page).toContain('The broker rejected the token, so the connection was ended here');
    expect(page).toContain('Rejected by the broker');
    expect(await test()).toContain('there is nothing to test');
    expect(asked).toHaveLength(1);
  });

  it('says so where the connection was replaced before the broker rejected the old token', async () => {
    const world = createBrokerWorld(await openMemory());
    await addUser(world.database, 'asha');
    await world.connect('asha', { tokenDigest: secretDigest('access of asha') });
    const fake = createFakeAdapter({
      async checkToken() {
        await world.connect('asha', { tokenDigest: 'fresh' });
        return { kind: 'rejected' };
      },
    });
    const reportRejected = createRejection({
      ...world,
      invalidateTokens: async () => undefined,
      wakeLogouts: () => undefined,
    });
    expect(await createConnectionCheck({ ...world, reportRejected })('asha', fake)).toBe('replaced');
    expect((await world.tokenRows()).map((row) => row.is_revoked).sort()).toEqual([0, 1]);
    await world.database.close();
  });

  it('leaves the connection as it is when the broker does not answer, or fails', async () => {
    answer = async () => ({ kind: 'unreachable', why: 'timeout' });
    expect(await test()).toContain('The broker did not answer');
    answer = async () => ({ kind: 'refused', why: 'other_error' });
    expect(await test()).toContain('says nothing about the token');
    answer = () => Promise.reject(new Error('secret-token in a stack'));
    expect(await test()).toContain('The broker did not answer');
    expect((await visitor.get('/broker')).text).toContain('Connected until');
    expect(server.logText()).not.toContain('secret-token');
  });

  it('asks six times a minute at most', async () => {
    answer = async () => ({ kind: 'accepted', clientId: undefined });
    const statuses: number[] = [];
    for (let nth = 0; nth < 12; nth += 1)
      statuses.push((await visitor.submit('/broker/fake/check', {}, '/broker')).status);
    expect(statuses.at(-1)).toBe(429);
    expect(asked.length).toBeLessThanOrEqual(6);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthorizationFlow } from '../../src/broker/authorization-flow.ts';
import type { ExchangeRequest, ExchangeResult } from '../../src/broker/broker-adapter.ts';
import { type ConnectionKeeper, createConnectionKeeper } from '../../src/broker/connection-keeper.ts';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import type { CurrentSession } from '../../src/sessions/current-session.ts';
import { addUser, moveEpoch, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

const PUBLIC_ORIGIN = 'https://curfew.example';

describe('The way to a broker and back', () => {
  let world: BrokerWorld;
  let session: CurrentSession;
  let sentWith: { state: string; redirectUri: string; codeChallenge: string } | undefined;
  let exchanges: ExchangeRequest[];
  let ended: string[];
  let onExchange: () => Promise<ExchangeResult>;
  let isThere: boolean;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    await addUser(world.database, 'asha');
    const loginTime = world.clock.now();
    session = { sid: 'the-session', userId: 'asha', username: 'asha', role: 'user', epoch: 0, loginTime };
    sentWith = undefined;
    exchanges = [];
    ended = [];
    isThere = true;
    const expiresAt = world.clock.now() + DAY_MS;
    onExchange = async () => ({ kind: 'granted', accessToken: 'access', expiresAt });
  });
  afterEach(() => world.database.close());

  const adapter = createFakeAdapter({
    id: 'kite',
    name: 'Kite',
    async startAuthorization(request) {
      sentWith = request;
      return isThere
        ? { kind: 'redirect', url: new URL('https://broker.example/login') }
        : { kind: 'unreachable', why: 'timeout' };
    },
    exchange(request) {
      exchanges.push(request);
      return onExchange();
    },
    async revoke({ accessToken }) {
      ended.push(accessToken);
      return { kind: 'done' };
    },
  });

  function createFlow(keeper?: ConnectionKeeper) {
    return createAuthorizationFlow({
      ...world,
      keeper: keeper ?? createConnectionKeeper({ ...world, sessionExists: async () => true }),
      invalidateTokens: async () => undefined,
      publicOrigin: PUBLIC_ORIGIN,
      wakeLogouts: () => undefined,
    });
  }
  const start = () =>
    createFlow().start({ adapter, session, returnTo: '/dashboard', held: false, origin: SYSTEM_ORIGIN });
  const finish = (flow = createFlow()) =>
    flow.finish({
      adapter,
      session,
      parameters: new URLSearchParams({ state: sentWith?.state ?? '', request_token: 'from the broker' }),
      origin: SYSTEM_ORIGIN,
    });

  it('sends a new state and challenge each time, and the address of this broker to come back to', async () => {
    await start();
    const first = sentWith;
    await start();
    expect(first).toEqual({
      credentials: {},
      state: expect.stringMatching(/^[\w-]{43}$/),
      redirectUri: `${PUBLIC_ORIGIN}/auth/broker/kite/callback`,
      codeChallenge: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(sentWith?.state).not.toBe(first?.state);
    expect(sentWith?.codeChallenge).not.toBe(first?.codeChallenge);
  });

  it('hands the adapter the whole answer of the broker, and the verifier of its challenge', async () => {
    await start();
    expect(await finish()).toEqual({ kind: 'connected', returnTo: '/dashboard' });
    const [exchange] = exchanges;
    expect(exchange?.parameters.get('request_token')).toBe('from the broker');
    expect(exchange?.expectedState).toBe(sentWith?.state);
    expect(exchange?.codeVerifier).toMatch(/^[\w-]{43,}$/);
  });

  it('keeps the verifier encrypted', async () => {
    await start();
    const rows = await world.database.db.selectFrom('broker_authorizations').selectAll().execute();
    await finish();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(exchanges[0]?.codeVerifier);
  });

  it('says so when the broker does not answer, and leaves nothing behind', async () => {
    isThere = false;
    expect(await start()).toEqual({ kind: 'unreachable', why: 'timeout' });
    expect(world.audit.events).toEqual([
      { type: 'broker.connection_failed', userId: 'asha', broker: 'kite', why: 'timeout' },
    ]);
    expect(await world.database.db.selectFrom('broker_authorizations').selectAll().execute()).toEqual([]);
  });

  it('asks the broker nothing when the stored verifier cannot be read', async () => {
    await start();
    await world.database.db.updateTable('broker_authorizations').set({ code_verifier: 'changed' }).execute();
    expect(await finish()).toEqual({ kind: 'not_accepted', why: 'state_unknown' });
    expect(exchanges).toEqual([]);
  });

  it('keeps no token of a person whose everything ended while the broker was asked', async () => {
    await start();
    const answer = onExchange;
    onExchange = async () => {
      await moveEpoch(world.database, 'asha');
      return answer();
    };
    expect(await finish()).toEqual({ kind: 'ended_meanwhile' });
    expect(await world.tokenRows()).toEqual([]);
    expect(await world.logoutRows()).toHaveLength(1);
    expect(world.audit.events.at(-1)).toMatchObject({
      type: 'broker.connection_failed',
      why: 'ended_meanwhile',
    });
  });

  it('ends a token at the broker at once that it could not store', async () => {
    await start();
    const broken: ConnectionKeeper = { keep: () => Promise.reject(new Error('the disk is full')) };
    await expect(finish(createFlow(broken))).rejects.toMatchObject({ code: 'unavailable' });
    expect(ended).toEqual(['access']);
  });

  it("writes down what went wrong in the adapter's word", async () => {
    await start();
    onExchange = async () => ({ kind: 'refused', why: 'invalid_grant' });
    expect(await finish()).toEqual({ kind: 'refused', why: 'invalid_grant' });
    expect(world.audit.events.at(-1)).toEqual({
      type: 'broker.connection_failed',
      userId: 'asha',
      broker: 'kite',
      why: 'invalid_grant',
    });
  });

  describe('Where the broker comes back without the state', () => {
    const finishWithout = (mayOmitState: boolean, at = session) =>
      createFlow().finish({
        adapter: { ...adapter, mayOmitState },
        session: at,
        parameters: new URLSearchParams({ token: 'from the broker' }),
        origin: SYSTEM_ORIGIN,
      });

    it('takes the answer for what this session has under way, without a state to expect', async () => {
      await start();
      expect(await finishWithout(true)).toEqual({ kind: 'connected', returnTo: '/dashboard' });
      expect(exchanges).toMatchObject([{ expectedState: undefined }]);
      expect(await finishWithout(true)).toEqual({ kind: 'not_accepted', why: 'state_unknown' });
    });

    it('takes none in another session, and none of a broker that always sends it', async () => {
      await start();
      const stranger = { ...session, sid: 'another-session' };
      expect(await finishWithout(true, stranger)).toEqual({ kind: 'not_accepted', why: 'state_unknown' });
      expect(await finishWithout(false)).toEqual({ kind: 'not_accepted', why: 'state_unknown' });
      expect(exchanges).toEqual([]);
      expect(await finish()).toMatchObject({ kind: 'connected' });
    });

    it('takes it once where two are under way: somebody left the broker’s page and began again', async () => {
      await start();
      await start();
      expect(await finishWithout(true)).toMatchObject({ kind: 'connected' });
      expect(await finishWithout(true)).toEqual({ kind: 'not_accepted', why: 'state_unknown' });
      expect(exchanges).toHaveLength(1);
    });
  });
});

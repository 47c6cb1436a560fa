import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { Receipt } from '../../src/core/revocation.ts';
import { holdJudgement } from '../support/held-judgement.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { issueKey } from './issue-key.ts';
import { asBrowser, openInVain, openSocket, type SocketClient } from './socket-client.ts';

const ORIGIN = { actor: 'test' };
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

async function userIdOf({ infrastructure }: TestServer): Promise<string> {
  const { db } = infrastructure.database;
  return (await db.selectFrom('users').select('id').executeTakeFirstOrThrow()).id;
}

const byeOf = (socket: SocketClient) => socket.messages.at(-1);

describe('A socket of one server', () => {
  let clock: SettableClock;
  let server: TestServer;
  let asha: Visitor;
  let userId: string;

  beforeAll(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock });
    asha = createVisitor(server.origin);
    await setUp(asha);
    userId = await userIdOf(server);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    asha = createVisitor(server.origin);
    await signIn(asha);
  });

  const open = (visitor = asha) =>
    openSocket(server.origin, asBrowser(server.origin, visitor.sessionCookie()));

  it('ends with its session, and leaves that of another device', async () => {
    const phone = createVisitor(server.origin);
    await signIn(phone);
    const [here, there] = await Promise.all([open(), open(phone)]);
    await asha.submit('/auth/logout', {});
    expect(await here.closed).toMatchObject({ code: 4401, reason: 'logged_out' });
    expect(byeOf(here)).toEqual({ v: 1, type: 'bye', code: 4401, reason: 'logged_out' });
    await sleep(50);
    expect(there.ws.readyState).toBe(there.ws.OPEN);
    await phone.submit('/auth/logout', { everywhere: '1' });
    expect(await there.closed).toMatchObject({ code: 4401, reason: 'revoked' });
  });

  it('has a line in the receipt of what ended it', async () => {
    const sockets = await Promise.all([open(), open()]);
    const receipt = await server.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
    expect(receipt.lines.map(({ step }) => step)).toEqual(['broker_tokens', 'sessions', 'caches', 'sockets']);
    expect(receipt.lines.at(-1)).toMatchObject({ status: 'done', count: 2 });
    for (const socket of sockets)
      expect(await socket.closed).toMatchObject({ code: 4401, reason: 'revoked' });
  });

  it('of a program ends with the account, and may come back at once', async () => {
    const { key } = await issueKey(server, userId);
    const before = await openSocket(server.origin, { 'X-API-Key': key });
    await server.services.revocation.revoker.revokeAccount(userId, 'logged_out_everywhere', ORIGIN);
    expect(await before.closed).toMatchObject({ code: 4401 });
    const after = await openSocket(server.origin, { 'X-API-Key': key });
    after.close();
  });

  it('of a program ends when its key is revoked', async () => {
    const { id, key } = await issueKey(server, userId);
    const socket = await openSocket(server.origin, { 'X-API-Key': key });
    const owned = await server.services.api.apiKeys.find(id);
    if (owned === undefined) throw new Error('No key');
    await server.services.api.apiKeys.revoke(owned, ORIGIN);
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'key_ended' });
    expect((await openInVain(server.origin, { 'X-API-Key': key })).status).toBe(401);
  });

  it('of a program ends at the instant at which its key does', async () => {
    const { key } = await issueKey(server, userId, { expiresAt: clock.now() + HOUR });
    const socket = await openSocket(server.origin, { 'X-API-Key': key });
    clock.advance(HOUR - 1);
    await server.services.feed.monitor.endByClock();
    clock.advance(1);
    expect(socket.ws.readyState).toBe(socket.ws.OPEN);
    await server.services.feed.monitor.endByClock();
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'key_ended' });
  });

  it('ends when its user was idle for too long, however much it is used', async () => {
    const socket = await open();
    for (let minute = 0; minute < 30; minute += 10) {
      clock.advance(10 * 60 * SECOND);
      socket.send({ v: 1, type: 'ping', id: String(minute) });
      await socket.next(({ id }) => id === String(minute));
    }
    await server.services.feed.monitor.compare();
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'idle' });
  });

  it('ends at the cutoff by the clock alone, with a program’s', async () => {
    const { key } = await issueKey(server, userId);
    clock.set('2026-11-24T02:50:00+05:30');
    await signIn(asha);
    const sockets = [await open(), await openSocket(server.origin, { 'X-API-Key': key })];
    clock.set('2026-11-24T02:59:59.999+05:30');
    await server.services.feed.monitor.endByClock();
    await sleep(50);
    expect(sockets.map(({ ws }) => ws.readyState)).toEqual([1, 1]);
    clock.set('2026-11-24T03:00:00+05:30');
    await server.services.feed.monitor.endByClock();
    for (const socket of sockets) {
      expect(await socket.closed).toMatchObject({ code: 4401, reason: 'cutoff' });
      expect(byeOf(socket)).toMatchObject({ type: 'bye', code: 4401, reason: 'cutoff' });
    }
  });

  it('is not opened when its session ends during the handshake', async () => {
    const held = holdJudgement(server.services.registry);
    const refusal = openInVain(server.origin, asBrowser(server.origin, asha.sessionCookie()));
    await held.judged;
    const receipt = (await server.services.revocation.revoker.revokeAccount(
      userId,
      'ended_by_admin',
      ORIGIN,
    )) as Receipt;
    held.goOn();
    expect(await refusal).toMatchObject({ status: 401, body: { error: 'session_expired' } });
    expect(receipt.lines.at(-1)).toMatchObject({ step: 'sockets', count: 0 });
  });
});

describe('A server that is about to stop', () => {
  it('closes sockets so that clients come back, and lets no new ones in', async () => {
    const server = await startTestServer();
    try {
      const asha = createVisitor(server.origin);
      await setUp(asha);
      await signIn(asha);
      const headers = asBrowser(server.origin, asha.sessionCookie());
      const socket = await openSocket(server.origin, headers);
      server.services.draining.begin();
      expect(await socket.closed).toMatchObject({ code: 4503, reason: 'restarting' });
      expect(await openInVain(server.origin, headers)).toMatchObject({
        status: 503,
        headers: { 'retry-after': '2' },
      });
    } finally {
      await server.close();
    }
  });
});

describe('A socket on another node than the one that ends it', () => {
  let near: TestServer;
  let far: TestServer;
  let userId: string;
  const sockets: SocketClient[] = [];

  beforeAll(async () => {
    const env = {
      DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
      SOCKETS_PER_USER: '3',
      API_RATE_LIMIT: '100000/minute',
      MAX_SESSIONS_PER_USER: '1000',
    };
    near = await startTestServer({ env, jobs: true });
    far = await startTestServer({ env, jobs: true });
    await setUp(createVisitor(near.origin));
    userId = await userIdOf(near);
  });
  afterAll(async () => {
    await near?.close();
    await far?.close();
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  async function openFar(): Promise<SocketClient> {
    const asha = createVisitor(far.origin);
    await signIn(asha);
    const socket = await openSocket(far.origin, asBrowser(far.origin, asha.sessionCookie()));
    sockets.push(socket);
    return socket;
  }

  it('is closed within a second, 100 times of 100', { timeout: 60_000 }, async () => {
    const { key } = await issueKey(near, userId);
    const late: number[] = [];
    for (let round = 0; round < 100; round += 1) {
      const socket = await openSocket(far.origin, { 'X-API-Key': key });
      const at = performance.now();
      await near.services.revocation.revoker.revokeAccount(userId, 'ended_by_admin', ORIGIN);
      const closing = await socket.closed;
      expect(closing).toMatchObject({ code: 4401, reason: 'revoked' });
      late.push(closing.at - at);
    }
    expect(late).toHaveLength(100);
    expect(late.filter((ms) => ms > SECOND)).toEqual([]);
  });

  it('is closed without the message too', async () => {
    const publish = vi.spyOn(near.infrastructure.bus, 'publish').mockResolvedValue(undefined);
    const [first, device] = [await openFar(), await openFar()];
    const sids = (await near.services.registry.listByUser(userId)).map(({ sid }) => sid);
    const newest = sids.at(-1) ?? '';
    await near.services.revocation.revoker.revoke(
      { kind: 'device', userId, sids: [newest] },
      'ended_by_owner',
      ORIGIN,
    );
    expect(await device.closed).toMatchObject({ code: 4401, reason: 'revoked' });
    expect(first.ws.readyState).toBe(first.ws.OPEN);
    await near.services.revocation.revoker.revokeAccount(userId, 'password_changed', ORIGIN);
    expect(await first.closed).toMatchObject({ code: 4401, reason: 'revoked' });
    expect(publish).toHaveBeenCalled();
  });

  it('ends where the store has lost its session, though its user was not idle', async () => {
    const socket = await openFar();
    await far.infrastructure.redis?.flushdb();
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'revoked' });
  });

  it('counts towards the limit of its user on all nodes', async () => {
    for (let count = 0; count < 3; count += 1) await openFar();
    const asha = createVisitor(near.origin);
    await signIn(asha, PERSON);
    const fourth = await openSocket(near.origin, asBrowser(near.origin, asha.sessionCookie()));
    expect(await fourth.closed).toMatchObject({ code: 4409, reason: 'over_limit' });
  });
});

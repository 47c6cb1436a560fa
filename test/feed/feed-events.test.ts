import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { makeStrategy, send } from '../strategies/trader.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { asBrowser, openSocket, type SocketClient } from './socket-client.ts';

const ORIGIN = { actor: 'test' };

describe('What an open page is told of', () => {
  let clock: SettableClock;
  let server: TestServer;
  let asha: Visitor;
  let userId: string;
  let socket: SocketClient;

  beforeAll(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock });
    await setUp(createVisitor(server.origin));
    const { db } = server.infrastructure.database;
    ({ id: userId } = await db.selectFrom('users').select('id').executeTakeFirstOrThrow());
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    asha = createVisitor(server.origin);
    await signIn(asha);
    socket = await openSocket(server.origin, asBrowser(server.origin, asha.sessionCookie()));
    return () => socket.close();
  });

  const event = (name: string) => socket.next((message) => message['event'] === name);

  it('a sign-in from a new device, and its end', async () => {
    const phone = createVisitor(server.origin);
    await signIn(phone);
    expect(await event('new_device')).toMatchObject({ v: 1, type: 'event', device: expect.any(String) });
    await phone.submit('/auth/logout', {});
    expect(await event('session_ended')).toMatchObject({ reason: 'logged_out' });
  });

  it('a broker that is connected, rejected and disconnected', async () => {
    await connectSandbox(asha);
    expect(await event('broker_connected')).toMatchObject({ broker: 'sandbox' });
    await server.services.audit.record({ type: 'broker.token_rejected', userId, broker: 'sandbox' }, ORIGIN);
    expect(await event('broker_rejected')).toMatchObject({ broker: 'sandbox' });
    await asha.submit('/broker/sandbox/disconnection', {}, '/broker');
    expect(await event('broker_lost')).toMatchObject({ broker: 'sandbox' });
  });

  it('a signal that a strategy took', async () => {
    clock.advance(60_000);
    await connectSandbox(asha);
    await importKnownSymbols(server.services);
    const { webhook } = await makeStrategy(asha);
    expect((await send(webhook)).status).toBe(200);
    expect(await event('signal_received')).toMatchObject({ v: 1, type: 'event' });
  });

  it('a ban, where its user is an administrator', async () => {
    await server.services.bans.bans.ban({ subject: '203.0.113.7', note: '', length: '24h' } as never, ORIGIN);
    expect(await event('ban_added')).toMatchObject({ subject: '203.0.113.7' });
  });

  it('nothing of another person', async () => {
    await server.services.audit.record(
      { type: 'broker.connected', userId: 'another', broker: 'sandbox' },
      ORIGIN,
    );
    socket.send({ v: 1, type: 'ping', id: 'behind' });
    await socket.next(({ id }) => id === 'behind');
    expect(socket.messages.filter(({ type }) => type === 'event')).toEqual([]);
  });

  it('the cutoff in ten and in two minutes, once each, unless warnings are off', async () => {
    const { events } = server.services.feed;
    const warnAt = (time: string) => {
      clock.set(`2026-11-24T${time}+05:30`);
      return events.warnOfCutoff();
    };
    expect(await warnAt('02:49:59.999')).toBe(0);
    expect(await warnAt('02:50:00')).toBe(1);
    expect(await event('cutoff_soon')).toMatchObject({ minutes: 10 });
    expect(await warnAt('02:51:00')).toBe(0);
    expect(await warnAt('02:58:00')).toBe(1);
    expect(await socket.next(({ minutes }) => minutes === 2)).toMatchObject({ event: 'cutoff_soon' });
    clock.set('2026-11-25T02:49:00+05:30');
    await signIn(asha);
    await asha.submit('/settings', {
      theme: 'system',
      dateFormat: 'words',
      alertMinutes: '0',
      idleTimeout: 'server',
      defaultBroker: 'server',
    });
    const stillOpen = await openSocket(server.origin, asBrowser(server.origin, asha.sessionCookie()));
    clock.set('2026-11-25T02:50:00+05:30');
    expect(await events.warnOfCutoff()).toBe(0);
    stillOpen.close();
  });
});

describe('An event of another node', () => {
  it('reaches the socket', async () => {
    const env = {
      DATABASE_URL: await createDatabase({ url: inject('postgresUrl') }),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    };
    const [near, far] = [await startTestServer({ env }), await startTestServer({ env })];
    try {
      const asha = createVisitor(far.origin);
      await setUp(asha);
      await signIn(asha);
      const socket = await openSocket(far.origin, asBrowser(far.origin, asha.sessionCookie()));
      const { id } = await near.infrastructure.database.db
        .selectFrom('users')
        .select('id')
        .executeTakeFirstOrThrow();
      await near.services.feed.events.tell(id, { event: 'broker_lost', broker: 'sandbox' });
      expect(await socket.next(({ type }) => type === 'event')).toMatchObject({ event: 'broker_lost' });
      socket.close();
    } finally {
      await near.close();
      await far.close();
    }
  });
});

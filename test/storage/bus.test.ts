import { join } from 'node:path';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Bus, BusMessage } from '../../src/storage/bus.ts';
import { type Database, type DatabaseLocation, openDatabase } from '../../src/storage/database.ts';
import { createDatabaseBus } from '../../src/storage/database-bus.ts';
import { createRedisBus } from '../../src/storage/redis-bus.ts';
import { createTcpProxy } from '../faults/support/tcp-proxy.ts';
import { postgresLocation } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase, startRedis } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { connectTo } from './redis-clients.ts';

const POLL_EVERY_MS = 20;
const INSTALLATION = 'here';
const CHANNEL = 'curfew:bus:here';
const CLEAR_ALL: BusMessage = { kind: 'caches.clear_all' };
const clearUser = (userId: string): BusMessage => ({ kind: 'caches.clear_user', userId });

/** Two nodes that share what carries their messages. */
interface TwoNodes {
  readonly nodes: readonly [Bus, Bus];
  close(): Promise<void>;
}

async function onDatabase(
  location: DatabaseLocation,
): Promise<TwoNodes & { databases: readonly Database[] }> {
  const databases = [await openDatabase(location), await openDatabase(location)];
  const create = (index: number): Promise<Bus> =>
    createDatabaseBus({
      database: databases[index] as Database,
      clock: systemClock,
      pollEveryMs: POLL_EVERY_MS,
      onError: () => undefined,
    });
  const nodes = [await create(0), await create(1)] as const;
  return {
    nodes,
    databases,
    async close() {
      await Promise.all(nodes.map((node) => node.close()));
      await Promise.all(databases.map((database) => database.close()));
    },
  };
}

async function onSqliteFile(): Promise<TwoNodes & { databases: readonly Database[] }> {
  const directory = createScratchDirectory('bus');
  const two = await onDatabase({ dialect: 'sqlite', file: join(directory.path, 'curfew.db') });
  return {
    ...two,
    async close() {
      await two.close();
      directory.remove();
    },
  };
}

async function onRedis(url: string): Promise<TwoNodes> {
  const publishers = [await connectTo(url), await connectTo(url)] as const;
  const subscribers = [
    await connectTo(url, { subscriber: true }),
    await connectTo(url, { subscriber: true }),
  ] as const;
  const nodes = [
    await createRedisBus({
      installation: INSTALLATION,
      publisher: publishers[0],
      subscriber: subscribers[0],
    }),
    await createRedisBus({
      installation: INSTALLATION,
      publisher: publishers[1],
      subscriber: subscribers[1],
    }),
  ] as const;
  return {
    nodes,
    async close() {
      await Promise.all(nodes.map((node) => node.close()));
      for (const publisher of publishers) publisher.disconnect();
    },
  };
}

const BUSES: readonly (readonly [string, () => Promise<TwoNodes>])[] = [
  ['SQLite', onSqliteFile],
  ['Postgres', async () => onDatabase(await postgresLocation())],
  ['Redis', async () => onRedis(await createRedisDatabase({ url: inject('redisUrl') }))],
];

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function listen(bus: Bus): BusMessage[] {
  const heard: BusMessage[] = [];
  bus.onMessage((message) => heard.push(message));
  return heard;
}

describe.each(BUSES)('messages between nodes over %s', (_name, open) => {
  let two: TwoNodes;
  beforeEach(async () => {
    two = await open();
  });
  afterEach(() => two.close());

  it('reach the other node, and not the one that sent them', async () => {
    const [first, second] = two.nodes;
    const [atFirst, atSecond] = [listen(first), listen(second)];
    // Apart from other tests of the run: Redis carries the messages of all its databases over one channel.
    const user = clearUser(`asha ${Math.random()}`);
    await first.publish(user);
    await eventually(() => expect(atSecond).toContainEqual(user));
    await rest(5 * POLL_EVERY_MS);
    expect(atFirst).not.toContainEqual(user);
    expect(atSecond.filter((message) => JSON.stringify(message) === JSON.stringify(user))).toHaveLength(1);
  });

  it('come in order and each once, from both sides', async () => {
    const [first, second] = two.nodes;
    const mark = Math.random();
    const [atFirst, atSecond] = [listen(first), listen(second)];
    const fromFirst = Array.from({ length: 30 }, (_, index) => clearUser(`${mark} first ${index}`));
    const fromSecond = Array.from({ length: 30 }, (_, index) => clearUser(`${mark} second ${index}`));
    for (let index = 0; index < 30; index += 1) {
      await first.publish(fromFirst[index] ?? CLEAR_ALL);
      await second.publish(fromSecond[index] ?? CLEAR_ALL);
    }
    const ours = (messages: readonly BusMessage[]) =>
      messages.filter((message) => 'userId' in message && message.userId.startsWith(String(mark)));
    await eventually(() => expect(ours(atSecond)).toHaveLength(30));
    await eventually(() => expect(ours(atFirst)).toHaveLength(30));
    await rest(5 * POLL_EVERY_MS);
    expect(ours(atSecond)).toEqual(fromFirst);
    expect(ours(atFirst)).toEqual(fromSecond);
  });

  it('carry both kinds', async () => {
    const [first, second] = two.nodes;
    const heard = listen(second);
    await first.publish(CLEAR_ALL);
    await eventually(() => expect(heard).toContainEqual(CLEAR_ALL));
  });

  it('reach every listener', async () => {
    const [first, second] = two.nodes;
    const [one, other] = [listen(second), listen(second)];
    const user = clearUser(`ravi ${Math.random()}`);
    await first.publish(user);
    await eventually(() => expect(one).toContainEqual(user));
    expect(other).toContainEqual(user);
  });

  it('stop when the node closes', async () => {
    const [first, second] = two.nodes;
    const heard = listen(second);
    await second.close();
    await first.publish(clearUser('late'));
    await rest(10 * POLL_EVERY_MS);
    expect(heard).not.toContainEqual(clearUser('late'));
  });
});

describe.each<[string, () => Promise<TwoNodes & { databases: readonly Database[] }>]>([
  ['SQLite', onSqliteFile],
  ['Postgres', async () => onDatabase(await postgresLocation())],
])('messages over a database on %s', (_name, open) => {
  it('from before a node came do not reach it', async () => {
    const two = await open();
    const [first] = two.nodes;
    await first.publish(clearUser('early'));
    const late = await createDatabaseBus({
      database: two.databases[1] as Database,
      clock: systemClock,
      pollEveryMs: POLL_EVERY_MS,
      onError: () => undefined,
    });
    const heard = listen(late);
    await first.publish(clearUser('now'));
    await eventually(() => expect(heard).toHaveLength(1));
    expect(heard).toEqual([clearUser('now')]);
    await late.close();
    await two.close();
  });

  it('may be missed while the database does not answer, and then that is told', async () => {
    const two = await open();
    const [first, second] = two.nodes;
    const { db } = two.databases[0] as Database;
    let gaps = 0;
    second.onGap(() => {
      gaps += 1;
    });
    const heard = listen(second);
    await rest(5 * POLL_EVERY_MS);
    expect(gaps).toBe(0);

    await sql`alter table bus_messages rename to away`.execute(db);
    await rest(10 * POLL_EVERY_MS);
    await sql`alter table away rename to bus_messages`.execute(db);
    await eventually(() => expect(gaps).toBeGreaterThan(0));
    await first.publish(CLEAR_ALL);
    await eventually(() => expect(heard).toEqual([CLEAR_ALL]));
    await two.close();
  });

  it('that cannot be handed over are not said to be', async () => {
    const two = await open();
    await sql`drop table bus_messages`.execute((two.databases[0] as Database).db);
    await expect(two.nodes[0].publish(CLEAR_ALL)).rejects.toThrow();
    await two.close();
  });

  it('are forgotten after an hour', async () => {
    const two = await open();
    const { db } = two.databases[0] as Database;
    await db.insertInto('bus_messages').values({ sent_at: 1, sender: 'long ago', body: '{}' }).execute();
    for (let each = 0; each < 100; each += 1) await two.nodes[0].publish(CLEAR_ALL);
    const left = await db.selectFrom('bus_messages').select('sender').where('sent_at', '=', 1).execute();
    expect(left).toEqual([]);
    const rows = await db.selectFrom('bus_messages').select('id').execute();
    expect(rows).toHaveLength(100);
    await two.close();
  });
});

describe('messages over Redis', () => {
  it('may be missed while Redis is gone, and that is told when it is back', async () => {
    const server = await startRedis();
    const { nodes, close } = await onRedis(server.url);
    const [first, second] = nodes;
    const heard = listen(second);
    let gaps = 0;
    second.onGap(() => {
      gaps += 1;
    });
    await first.publish(CLEAR_ALL);
    await eventually(() => expect(heard).toEqual([CLEAR_ALL]));
    expect(gaps).toBe(0);

    await server.kill();
    await expect(first.publish(clearUser('lost'))).rejects.toMatchObject({ code: 'unavailable' });
    await server.restart();
    await eventually(() => expect(gaps).toBeGreaterThan(0));

    await eventually(() => first.publish(clearUser('asha')));
    await eventually(() => expect(heard).toEqual([CLEAR_ALL, clearUser('asha')]));
    await close();
    await server.stop();
  });

  it('may be missed when only the connection broke, and that is told', async () => {
    const server = await startRedis();
    const { nodes, close } = await onRedis(server.url);
    const [first, second] = nodes;
    const heard = listen(second);
    let gaps = 0;
    second.onGap(() => {
      gaps += 1;
    });
    const operator = new Redis(server.url);
    await operator.call('client', 'kill', 'type', 'pubsub');
    await eventually(() => expect(gaps).toBeGreaterThan(0));
    await first.publish(CLEAR_ALL);
    await eventually(() => expect(heard).toEqual([CLEAR_ALL]));
    operator.disconnect();
    await close();
    await server.stop();
  });

  it('are all heard again from the moment on that a gap is told', async () => {
    const server = await startRedis();
    const proxy = await createTcpProxy(server.port);
    const [here, subscriber] = [
      await connectTo(server.url),
      await connectTo(`redis://127.0.0.1:${proxy.port}`, { subscriber: true }),
    ];
    const bus = await createRedisBus({ installation: INSTALLATION, publisher: here, subscriber });
    const heard = listen(bus);
    const saidInTheGap = clearUser('said when the gap was told');
    const other = await connectTo(server.url);
    bus.onGap(() => {
      const envelope = { sender: 'another node', number: 1, message: saidInTheGap };
      void other.publish(CHANNEL, JSON.stringify(envelope));
    });
    // The way to the subscriber is long: a subscription takes its time to be one.
    proxy.cut();
    await proxy.heal();
    proxy.delay(150);
    await eventually(() => expect(heard).toContainEqual(saidInTheGap));
    await bus.close();
    for (const client of [here, other]) client.disconnect();
    proxy.close();
    await server.stop();
  });

  it('that never arrived are noticed by the next word of whoever said them', async () => {
    const server = await startRedis();
    const { nodes, close } = await onRedis(server.url);
    const [, second] = nodes;
    const heard = listen(second);
    let gaps = 0;
    second.onGap(() => {
      gaps += 1;
    });
    const sender = new Redis(server.url);
    const say = (number: number, message?: BusMessage) =>
      sender.publish(CHANNEL, JSON.stringify({ sender: 'a node', number, message }));
    await say(7, clearUser('asha'));
    await say(8);
    await say(9, clearUser('ravi'));
    await eventually(() => expect(heard).toEqual([clearUser('asha'), clearUser('ravi')]));
    expect(gaps).toBe(0);
    await say(11);
    await eventually(() => expect(gaps).toBe(1));
    sender.disconnect();
    await close();
    await server.stop();
  });

  it('are heard again when a subscription was lost under a connection that lives on, and that is told', async () => {
    const server = await startRedis();
    const publisher = await connectTo(server.url);
    const subscriber = await connectTo(server.url, { subscriber: true });
    const bus = await createRedisBus({ installation: INSTALLATION, publisher, subscriber });
    let gaps = 0;
    bus.onGap(() => {
      gaps += 1;
    });
    const stranger = new Redis(server.url);
    const subscribers = async () => (await stranger.pubsub('NUMSUB', CHANNEL))[1];
    // Between two heartbeats: the first one has subscribed once more.
    await rest(300);
    await subscriber.unsubscribe(CHANNEL);
    expect(await subscribers()).toBe(0);
    await bus.publish(CLEAR_ALL);
    await eventually(async () => expect(await subscribers()).toBe(1));
    await eventually(() => expect(gaps).toBeGreaterThan(0));
    await bus.close();
    for (const client of [publisher, stranger]) client.disconnect();
    await server.stop();
  });

  it('are sought on a new connection by a node that does not hear itself', async () => {
    const [server, apart] = [await startRedis(), await startRedis()];
    const publisher = await connectTo(server.url);
    const subscriber = await connectTo(apart.url, { subscriber: true });
    const connected = vi.fn();
    subscriber.on('connect', connected);
    const bus = await createRedisBus({ installation: INSTALLATION, publisher, subscriber });
    await eventually(() => expect(connected).toHaveBeenCalled());
    await bus.close();
    publisher.disconnect();
    await Promise.all([server.stop(), apart.stop()]);
  });

  it('of another installation on the same Redis are not heard, in whatever database there', async () => {
    const server = await startRedis();
    const clients = await Promise.all(
      ['', '', '/0', '/1'].map((number, each) =>
        connectTo(server.url + number, { subscriber: each % 2 === 1 }),
      ),
    );
    const [publisher, subscriber, theirPublisher, theirSubscriber] = clients as [Redis, Redis, Redis, Redis];
    const ours = await createRedisBus({ installation: INSTALLATION, publisher, subscriber });
    const theirs = await createRedisBus({
      installation: 'there',
      publisher: theirPublisher,
      subscriber: theirSubscriber,
    });
    const [heard, heardThere] = [listen(ours), listen(theirs)];
    await theirs.publish(CLEAR_ALL);
    const stranger = new Redis(server.url);
    await stranger.publish(
      CHANNEL,
      JSON.stringify({ sender: 'a node', number: 1, message: clearUser('asha') }),
    );
    await eventually(() => expect(heard).toEqual([clearUser('asha')]));
    expect(heardThere).toEqual([]);
    await Promise.all([ours.close(), theirs.close()]);
    for (const client of [...clients, stranger]) client.disconnect();
    await server.stop();
  });

  it('are passed over when they are none', async () => {
    const server = await startRedis();
    const { nodes, close } = await onRedis(server.url);
    const [first, second] = nodes;
    const heard = listen(second);
    const stranger = new Redis(server.url);
    for (const text of [
      'hello',
      '',
      '{',
      'null',
      '{"sender":1}',
      '{"sender":"x","number":1,"message":null}',
      '{"sender":"x","message":{"kind":"caches.clear_all"}}',
    ])
      await stranger.publish(CHANNEL, text);
    await first.publish(clearUser('asha'));
    await eventually(() => expect(heard).toContainEqual(clearUser('asha')));
    stranger.disconnect();
    await close();
    await server.stop();
  });
});

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { SECOND_MS } from '../../src/core/duration.ts';
import { CACHE_NAMES } from '../../src/storage/caches.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { timeUntil } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock } from '../support/settable-clock.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { connectBroker } from './support/connect-broker.ts';
import { type Device, letsIn, mustSignIn, signInDevice } from './support/device.ts';
import { type House, type Office, openOffice, startHouse, withPort } from './support/house.ts';
import { measured } from './support/measured.ts';
import { countOpenOrders, countOrdersOf } from './support/outbox.ts';
import { createTcpProxy } from './support/tcp-proxy.ts';

const run = promisify(execFile);

const ROUNDS = 20;
const KILLED_AFTER_MS = [10, 60, 110, 160, 220, 300, 400, 500];

let house: House;
let stores: { REDIS_URL: string; DATABASE_URL: string };
const offices: Office[] = [];

beforeAll(async () => {
  house = await startHouse({ nodes: 2, people: 3 });
  stores = { REDIS_URL: house.redis.url, DATABASE_URL: house.postgres.url };
});
afterEach(async () => {
  await Promise.all(offices.splice(0).map((office) => office.close()));
});
afterAll(() => house.close());

async function open(...args: Parameters<typeof openOffice>): Promise<Office> {
  const office = await openOffice(...args);
  offices.push(office);
  return office;
}

/** Without the house's own nodes, which would do the work. */
async function emptyStores(): Promise<typeof stores> {
  return {
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    DATABASE_URL: await createPostgresDatabase(),
  };
}

function person(index: number) {
  const found = house.people[index];
  if (found === undefined) throw new Error(`Person ${index} does not live here`);
  return found;
}

async function idOf(username: string): Promise<string> {
  const users = await house.office.services.accounts.userAdmin.list();
  return users.find((user) => user.username === username)?.id ?? '';
}

test('a session that is ended on one node is refused by the other from the very answer on', async () => {
  const [a = '', b = ''] = house.origins;
  for (let round = 0; round < ROUNDS; round += 1) {
    const device = await mustSignIn(house.browser, a, person(0));
    expect(letsIn(await device.page(b))).toBe(true);
    expect((await device.logOut(a)).status).toBe(303);
    expect((await device.page(b)).status).toBe(303);
  }
});

test('what the command line ends is refused by every node from its last line on', async () => {
  const { username } = person(1);
  const devices = await Promise.all(house.origins.map((at) => mustSignIn(house.browser, at, person(1))));
  const { stdout } = await run(
    process.execPath,
    [inject('bundledServer').cli, 'sessions', 'revoke', '--user', username, '--json'],
    {
      env: {
        ...process.env,
        ...TEST_SECRETS,
        ...stores,
        BASE_URL: house.browser.baseUrl,
        NODE_ENV: 'production',
      },
    },
  );
  expect(JSON.parse(stdout)).toMatchObject({ username, sessions: 2, status: 'done' });
  for (const device of devices)
    for (const at of house.origins) expect((await device.page(at)).status).toBe(303);
});

test('a sign-in that is answered with 503 has signed nobody in', async () => {
  const [node] = house.nodes;
  const [a = ''] = house.origins;
  if (node === undefined) throw new Error('There is no node');
  const { registry } = house.office.services;
  const userId = await idOf(person(1).username);
  expect(await registry.listByUser(userId)).toEqual([]);

  // The session is in Redis, and the question whether it was overtaken by a revocation is on its way.
  node.toPostgres.delay(300);
  const answer = signInDevice(house.browser, a, person(1));
  await timeUntil('it is stored', async () => (await registry.listByUser(userId)).length > 0, {
    withinMs: 10_000,
  });
  node.toPostgres.cut();
  const { reply } = await answer;
  expect(reply.status).toBe(503);
  expect(reply.headers['set-cookie']).toBeUndefined();
  await node.toPostgres.heal();
  await timeUntil('it is gone', async () => (await registry.listByUser(userId)).length === 0, {
    withinMs: 5000,
  });
});

test('a logout on one node clears the caches of every node within a second', async () => {
  const [here, there] = [await open(stores), await open(stores)];
  const userId = await idOf(person(1).username);
  const token = { token: 't', epoch: 0, issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER };
  for (const { services } of [here, there]) services.caches.of.auth.set(userId, 'sandbox', token);
  expect(there.services.caches.sizes().auth).toBe(1);

  await here.services.sessions.lifecycle.endAccount(userId, 'ended_by_admin', { actor: 'test' });
  const ms = await timeUntil(
    'the other node has dropped what it had cached',
    () => CACHE_NAMES.every((name) => there.services.caches.sizes()[name] === 0),
    { withinMs: SECOND_MS },
  );
  measured('a logout clears the caches of another node within', `${ms} ms`);
});

test('a node whose messages were lost drops its caches when it hears others again', async () => {
  const proxy = await createTcpProxy(house.redis.port);
  const deaf = await open({ ...stores, REDIS_URL: withPort(stores.REDIS_URL, proxy.port) });
  const userId = await idOf(person(1).username);
  const token = { token: 't', epoch: 0, issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER };
  deaf.services.caches.of.auth.set(userId, 'sandbox', token);

  proxy.swallow();
  await house.office.services.sessions.lifecycle.endAccount(userId, 'ended_by_admin', { actor: 'test' });
  await sleep(200);
  expect(deaf.services.caches.sizes().auth).toBe(1);
  await proxy.heal();
  const ms = await timeUntil('the caches are dropped', () => deaf.services.caches.sizes().auth === 0, {
    withinMs: 20_000,
  });
  measured('a node that lost messages drops its caches after', `${ms} ms`);
  proxy.close();
});

const ENDINGS = {
  'that was logged out everywhere': (device) => device.logOut(house.origins[0] ?? '', { everywhere: true }),
  'whose broker was disconnected': (device) =>
    device.submit(house.origins[0] ?? '', '/broker/sandbox/disconnection'),
  'that an operator’s sweep ended': () =>
    house.office.services.revocation.sweep.run(house.office.services.clock.now(), { actor: 'test' }),
} as const satisfies Record<string, (device: Device) => Promise<unknown>>;

test.each(Object.entries(ENDINGS))(
  'a node that no message reaches gives out no token, from a warm cache, of somebody %s',
  async (_name, end) => {
    const proxy = await createTcpProxy(house.redis.port);
    const deaf = await open({ ...stores, REDIS_URL: withPort(stores.REDIS_URL, proxy.port) });
    const [a = ''] = house.origins;
    const userId = await idOf(person(1).username);
    const device = await mustSignIn(house.browser, a, person(1));
    await connectBroker(device, a);
    const read = () => deaf.services.brokers.reader.accessToken(userId, 'sandbox');
    expect((await read()).kind).toBe('token');

    proxy.swallow();
    await sleep(5);
    await end(device);
    expect(deaf.services.caches.sizes().auth).toBe(1);
    expect((await read()).kind).toBe('reauth_required');
    proxy.close();
  },
);

test('the sweep of a cutoff is done once, by one of the nodes', async () => {
  const env = { ...(await emptyStores()), SESSION_EXPIRY_TIME: '03:00' };
  const clock = createSettableClock('2026-03-02T03:00:00.000+05:30');
  const nodes = await Promise.all([open(env, clock), open(env, clock), open(env, clock)]);
  const receipts = await Promise.all(nodes.map(({ services }) => services.revocation.sweep.runIfDue()));
  expect(receipts.filter((receipt) => receipt !== undefined)).toHaveLength(1);
  const again = await Promise.all(nodes.map(({ services }) => services.revocation.sweep.runIfDue()));
  expect(again).toEqual([undefined, undefined, undefined]);
});

test('a node that is killed right after it stored a logout loses none: it is made up for before the next request', async () => {
  const [node] = house.nodes;
  const [a = '', b = ''] = house.origins;
  if (node === undefined) throw new Error('There is no node');
  const device = await mustSignIn(house.browser, a, person(2));
  expect(letsIn(await device.page(b))).toBe(true);
  await device.openForm(a);

  // Every word to and from Redis takes its time, so that there is one between the order and its steps.
  node.toRedis.delay(300);
  const answer = device.logOut(a);
  await timeUntil('the order is stored', async () => (await countOpenOrders(house.office)) > 0, {
    withinMs: 10_000,
  });
  await node.process.kill();
  expect((await answer).status).toBe(0);
  expect(letsIn(await device.page(b))).toBe(true);

  await node.toRedis.heal();
  await node.process.start();
  expect((await device.page(a)).status).toBe(303);
  expect((await device.page(b)).status).toBe(303);
});

test('a node that is killed at any moment of a logout has reported none that did not happen, and loses none that it stored', async () => {
  const [node] = house.nodes;
  const [a = '', b = ''] = house.origins;
  if (node === undefined) throw new Error('There is no node');
  const userId = await idOf(person(2).username);
  const seen = { reported: 0, stored: 0, 'not begun': 0 };
  for (const killAfterMs of KILLED_AFTER_MS) {
    const device = await mustSignIn(house.browser, a, person(2));
    await device.openForm(a);
    const before = await countOrdersOf(house.office, userId);
    // On long ways each step of the logout has its own time.
    node.toRedis.delay(15);
    node.toPostgres.delay(10);
    const answer = device.logOut(a);
    await sleep(killAfterMs);
    await node.process.kill();
    await node.toRedis.heal();
    await node.toPostgres.heal();
    await node.process.start();

    const reported = (await answer).status === 303;
    const stored = (await countOrdersOf(house.office, userId)) > before;
    seen[reported ? 'reported' : stored ? 'stored' : 'not begun'] += 1;
    for (const origin of [a, b])
      expect([killAfterMs, letsIn(await device.page(origin))]).toEqual([killAfterMs, !(reported || stored)]);
  }
  measured('killed during a logout, by how far it had come', JSON.stringify(seen));
});

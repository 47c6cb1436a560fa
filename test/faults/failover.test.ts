import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SECOND_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { timeUntil } from '../support/eventually.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { type Device, letsIn, mustSignIn } from './support/device.ts';
import { admit, type Office, openOffice } from './support/house.ts';
import { measured } from './support/measured.ts';
import { type NodeProcess, startNode } from './support/node-process.ts';
import { startRedisCluster } from './support/redis-cluster.ts';
import { startRedisWithSentinel } from './support/redis-sentinel.ts';

/** A Sentinel that did not get the processor for two seconds looks on for thirty before it acts again (TILT). */
const FAILS_OVER_WITHIN_MS = 90_000;
const REPLICATED_WITHIN_MS = 20_000;
/** Of the messages between nodes. */
const HEARTBEAT_MS = 2 * SECOND_MS;

const KINDS = {
  'Redis with a Sentinel': startRedisWithSentinel,
  'a Redis Cluster': async () => {
    const cluster = await startRedisCluster();
    const [master] = cluster.masters;
    if (master === undefined) throw new Error('There is no master');
    return { ...cluster, master };
  },
} as const;

interface Servers {
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

describe.each<[string, () => Promise<Servers>]>(Object.entries(KINDS))('on %s', (name, startServers) => {
  let servers: Servers;
  let office: Office;
  let listener: Office;
  let nodes: readonly NodeProcess[];
  let person: { username: string; password: string };
  const origin = (index: number): string => nodes[index]?.origin ?? '';
  const signIn = (index = 0): Promise<Device> => mustSignIn({ baseUrl: origin(0) }, origin(index), person);

  beforeAll(async () => {
    servers = await startServers();
    const stores = {
      REDIS_URL: servers.url,
      DATABASE_URL: await createPostgresDatabase(),
    };
    office = await openOffice(stores);
    listener = await openOffice(stores);
    person = await admit(office, 0);
    const first = await startNode({ env: stores });
    nodes = [first, await startNode({ env: { ...stores, BASE_URL: first.origin } })];
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all([office.close(), listener.close()]);
    await servers.stop();
  });

  test('a session begins, is good on every node, and is over on every node after its logout', async () => {
    for (let round = 0; round < 10; round += 1) {
      const device = await signIn(round % 2);
      for (const node of [0, 1]) expect(letsIn(await device.page(origin(node)))).toBe(true);
      expect((await device.logOut(origin(0))).location).toBe('/auth/login?reason=logged_out');
      for (const node of [0, 1]) expect((await device.page(origin(node))).status).toBe(303);
    }
  });

  test('an account and a sweep end sessions wherever they lie', async () => {
    const devices = await Promise.all(Array.from({ length: 6 }, (_, index) => signIn(index % 2)));
    expect((await devices[0]?.logOut(origin(1), { everywhere: true }))?.status).toBe(303);
    for (const device of devices) expect((await device.page(origin(0))).status).toBe(303);

    const others = await Promise.all(Array.from({ length: 6 }, () => signIn()));
    await sleep(5);
    const receipt = await office.services.revocation.sweep.run(office.services.clock.now(), {
      actor: 'test',
    });
    expect(receipt?.status).toBe('done');
    for (const device of others) expect((await device.page(origin(1))).status).toBe(303);
  });

  test('a failover to a replica that had not heard of a logout does not bring the session back', async () => {
    const kept = await Promise.all(Array.from({ length: 4 }, () => signIn()));
    const ended = await Promise.all(Array.from({ length: 4 }, () => signIn()));
    await untilReplicated(servers.master);
    servers.replica.pause();
    for (const device of ended) expect((await device.logOut(origin(0))).status).toBe(303);

    await servers.master.kill();
    servers.replica.resume();
    const ms = await timeUntil(
      'pages are served again',
      async () => {
        const answers = await Promise.all(ended.map((device) => device.page(origin(1))));
        expect(answers.filter(letsIn)).toEqual([]);
        const pages = await Promise.all(
          kept.flatMap((device) => [0, 1].map((at) => device.page(origin(at)))),
        );
        return pages.every(letsIn);
      },
      { withinMs: FAILS_OVER_WITHIN_MS },
    );
    measured(`${name}: failover, served again after`, `${ms} ms`);
    for (const device of ended)
      for (const at of [0, 1]) expect((await device.page(origin(at))).status).toBe(303);

    const fresh = await signIn(1);
    expect(letsIn(await fresh.page(origin(0)))).toBe(true);
    expect((await fresh.logOut(origin(0))).location).toBe('/auth/login?reason=logged_out');
    expect((await fresh.page(origin(1))).status).toBe(303);
  });

  test('after the failover a node still hears that its caches are to be cleared', async () => {
    const { caches } = listener.services;
    const token = { token: 't', epoch: 0, issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER };
    const { lifecycle } = office.services.sessions;
    const { userAdmin } = office.services.accounts;
    const userId = (await userAdmin.list())[0]?.id ?? '';
    // What was lost while nobody carried messages is noticed by the next heartbeat, and drops everything: not that.
    await sleep(HEARTBEAT_MS);
    caches.of.auth.set(userId, 'sandbox', token);
    expect(caches.sizes().auth).toBe(1);
    await lifecycle.endAccount(userId, 'ended_by_admin', { actor: 'test' });
    const ms = await timeUntil('the cache is cleared', () => caches.sizes().auth === 0, {
      withinMs: SECOND_MS,
    });
    measured(`${name}: after a failover a logout clears the caches of another node within`, `${ms} ms`);
  });
});

/** Until the replica has confirmed all that the master has written by now: what it lacks would be lost with the master. */
async function untilReplicated({ url }: { readonly url: string }): Promise<void> {
  const client = new Redis(url);
  const offsets = async () => {
    const info = await client.info('replication');
    const read = (pattern: RegExp): number => Number(pattern.exec(info)?.[1] ?? Number.NaN);
    return { master: read(/^master_repl_offset:(\d+)/m), replica: read(/^slave0:.*offset=(\d+)/m) };
  };
  const { master } = await offsets();
  await timeUntil('the replica has everything', async () => (await offsets()).replica >= master, {
    withinMs: REPLICATED_WITHIN_MS,
  });
  client.disconnect();
}

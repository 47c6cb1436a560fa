import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { RedisClient } from '../../src/storage/redis.ts';
import { type Channels, createRedisChannels } from '../../src/storage/redis-channels.ts';
import { createRedisLeases, type Leases } from '../../src/storage/redis-leases.ts';
import { startRedisCluster } from '../faults/support/redis-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { connectTo } from './redis-clients.ts';

const onOneServer = async () => ({
  url: await createRedisDatabase({ url: inject('redisUrl') }),
  stop: async () => undefined,
});

async function onCluster() {
  const cluster = await startRedisCluster();
  return { url: cluster.masters.map(({ url }) => url).join(), stop: () => cluster.stop() };
}

describe.each([
  ['one Redis', onOneServer],
  ['a Redis Cluster', onCluster],
])('Two nodes on %s', (_, startServers) => {
  let servers: { readonly url: string; stop(): Promise<void> };
  const clients: RedisClient[] = [];
  let near: Channels;
  let far: Channels;
  let leases: Leases;

  async function connect(subscriber = false): Promise<RedisClient> {
    const client = await connectTo(servers.url, { subscriber });
    clients.push(client);
    return client;
  }
  const node = async (installation = 'here') =>
    createRedisChannels({
      installation,
      publisher: await connect(),
      subscriber: await connect(true),
    });

  beforeAll(async () => {
    servers = await startServers();
    [near, far] = [await node(), await node()];
    leases = createRedisLeases(await connect());
  }, 60_000);
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await servers?.stop();
  });

  it('hear each other in the order in which messages were sent, of many topics at once', async () => {
    const topics = Array.from({ length: 20 }, () => randomUUID());
    const heard = new Map(topics.map((topic) => [topic, [] as number[]]));
    for (const topic of topics) await far.listen(topic, (text) => void heard.get(topic)?.push(Number(text)));
    const sent = Array.from({ length: 50 }, (_, number) => number);
    await Promise.all(sent.flatMap((number) => topics.map((topic) => near.publish(topic, String(number)))));
    await eventually(() => expect([...heard.values()]).toEqual(topics.map(() => sent)));
  });

  it('hear nothing of a topic that they have left, and go on where another of them listens', async () => {
    const topic = randomUUID();
    const [first, second] = [vi.fn(), vi.fn()];
    await far.listen(topic, first);
    await far.listen(topic, second);
    far.leave(topic, first);
    await near.publish(topic, 'one');
    await eventually(() => expect(second).toHaveBeenCalledWith('one'));
    far.leave(topic, second);
    await near.publish(topic, 'two');
    await sleep(100);
    expect(first).not.toHaveBeenCalled();
    expect(second).toHaveBeenCalledOnce();
  });

  it('do not hear another installation', async () => {
    const topic = randomUUID();
    const listener = vi.fn();
    await (await node('elsewhere')).listen(topic, listener);
    await near.publish(topic, 'one');
    await sleep(100);
    expect(listener).not.toHaveBeenCalled();
  });

  it('have a lease one at a time, until it is released or runs out', async () => {
    const name = randomUUID();
    expect(await leases.hold(name, 'near', 60_000)).toBe(true);
    expect(await leases.hold(name, 'far', 60_000)).toBe(false);
    await leases.release(name, 'far');
    expect(await leases.hold(name, 'far', 60_000)).toBe(false);
    expect(await leases.hold(name, 'near', 200)).toBe(true);
    await sleep(300);
    expect(await leases.hold(name, 'far', 60_000)).toBe(true);
    await leases.release(name, 'far');
    expect(await leases.hold(name, 'near', 60_000)).toBe(true);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findFreePort } from '../../support/free-port.ts';
import type { House } from './house.ts';

export interface Fault {
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** What can happen to a Redis, by what an operator would call it. All of it is really done to a real one. */
export const REDIS_FAULTS = {
  killed: ({ redis }) => ({ begin: () => redis.kill(), end: () => redis.restart() }),

  paused: ({ redis }) => ({
    begin: () => Promise.resolve(redis.pause()),
    end: () => Promise.resolve(redis.resume()),
  }),

  'cut off': ({ nodes }) => ({
    begin: async () => {
      for (const { toRedis } of nodes) toRedis.cut();
    },
    end: async () => void (await Promise.all(nodes.map(({ toRedis }) => toRedis.heal()))),
  }),

  'behind a network that holds everything back': ({ nodes }) => ({
    begin: async () => {
      for (const { toRedis } of nodes) toRedis.stall();
    },
    end: async () => void (await Promise.all(nodes.map(({ toRedis }) => toRedis.heal()))),
  }),

  'behind a network that has forgotten its connections': ({ nodes }) => ({
    begin: async () => {
      for (const { toRedis } of nodes) toRedis.swallow();
    },
    end: async () => void (await Promise.all(nodes.map(({ toRedis }) => toRedis.heal()))),
  }),

  'asking for another password': ({ redis }) => ({
    begin: () =>
      command(redis.url, async (client) => {
        await client.config('SET', 'requirepass', 'another');
        await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
        await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      }),
    end: () => command(redis.url, (client) => client.config('SET', 'requirepass', ''), 'another'),
  }),

  full: ({ redis }) => ({
    begin: () =>
      command(redis.url, async (client) => {
        await client.config('SET', 'maxmemory-policy', 'noeviction');
        await client.config('SET', 'maxmemory', '1');
      }),
    end: () => command(redis.url, (client) => client.config('SET', 'maxmemory', '0')),
  }),

  'a read-only replica of a dead master': ({ redis }) => ({
    begin: () => command(redis.url, async (client) => client.replicaof('127.0.0.1', await findFreePort())),
    end: () => command(redis.url, (client) => client.replicaof('NO', 'ONE')),
  }),
} as const satisfies Record<string, (house: House) => Fault>;

/** What is published reaches nobody, and the one who publishes hears of no failure: its listeners are away, time after time. */
export async function loseMessages({ redis }: House, lastsMs: number): Promise<void> {
  const until = performance.now() + lastsMs;
  await command(redis.url, async (client) => {
    while (performance.now() < until) {
      await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await sleep(LISTENERS_RETURN_MS);
    }
  });
}

const LISTENERS_RETURN_MS = 20;

async function command(
  url: string,
  work: (client: Redis) => Promise<unknown>,
  password?: string,
): Promise<void> {
  const client = new Redis(url, password === undefined ? {} : { password });
  try {
    await work(client);
  } finally {
    client.disconnect();
  }
}

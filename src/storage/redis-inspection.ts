import { Cluster, type Redis } from 'ioredis';
import { connectRedis, createRedis } from './redis.ts';
import type { RedisLocation } from './redis-location.ts';

/** What an operator wants to know of one Redis server. */
export interface RedisInspection {
  /** `8.0.2`. */
  readonly version: string;
  /** Undefined where the server does not tell. */
  readonly evictionPolicy: string | undefined;
  /** Its clock minus this one, in milliseconds; exact to the time that the question took. */
  readonly clockAheadMs: number;
}

/** Asks each server that holds data. Rejects with words for the operator when one does not answer. */
export async function inspectRedis(
  location: RedisLocation,
  now: () => number,
): Promise<readonly RedisInspection[]> {
  let latest: Error | undefined;
  const client = createRedis({
    location,
    onError: (error) => {
      latest = error;
    },
  });
  try {
    await connectRedis(client);
    const servers = client instanceof Cluster ? client.nodes('master') : [client];
    return await Promise.all(servers.map((server) => inspectServer(server, now)));
  } catch (error) {
    // What the connection reported says more than that it is closed.
    throw latest !== undefined && error instanceof Error
      ? new Error(error.message, { cause: latest })
      : error;
  } finally {
    client.disconnect();
  }
}

async function inspectServer(server: Redis, now: () => number): Promise<RedisInspection> {
  const facts = readInfo(await server.info());
  const asked = now();
  const [seconds, microseconds] = await server.time();
  const middle = (asked + now()) / 2;
  return {
    version: facts.get('redis_version') ?? '0',
    evictionPolicy: facts.get('maxmemory_policy'),
    clockAheadMs: Number(seconds) * 1000 + Number(microseconds) / 1000 - middle,
  };
}

/** `name:value` lines. */
function readInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
}

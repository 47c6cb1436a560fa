import { Cluster, type Redis } from 'ioredis';
import type { Clock } from '../core/clock.ts';
import { connectRedis, createRedis } from './redis.ts';
import { clockDifferenceMs } from './redis-clock.ts';
import type { RedisLocation } from './redis-location.ts';

/** State of one Redis server, for an operator. */
export interface RedisInspection {
  /** `8.0.2`. */
  readonly version: string;
  /** Undefined where the server does not tell. */
  readonly evictionPolicy: string | undefined;
  /** Its clock minus this machine's, in milliseconds. */
  readonly clockAheadMs: number;
}

/** Asks each server that holds data. Rejects with words for the operator when one does not answer. */
export async function inspectRedis(
  location: RedisLocation,
  clock: Clock,
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
    return await Promise.all(servers.map((server) => inspectServer(server, clock)));
  } catch (error) {
    // The connection's own error says more than that it is closed.
    throw latest !== undefined && error instanceof Error
      ? new Error(error.message, { cause: latest })
      : error;
  } finally {
    client.disconnect();
  }
}

async function inspectServer(server: Redis, clock: Clock): Promise<RedisInspection> {
  const facts = readInfo(await server.info());
  return {
    version: facts.get('redis_version') ?? '0',
    evictionPolicy: facts.get('maxmemory_policy'),
    clockAheadMs: -(await clockDifferenceMs(server, clock)),
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

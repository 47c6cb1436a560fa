import { connectRedis, createRedis, type RedisClient } from '../../src/storage/redis.ts';
import { parseRedisLocation } from '../../src/storage/redis-location.ts';

export interface ConnectOptions {
  readonly subscriber?: boolean;
  readonly onError?: (error: Error) => void;
}

/** A client as the server makes it, connected. */
export async function connectTo(url: string, options: ConnectOptions = {}): Promise<RedisClient> {
  const client = clientFor(url, options);
  await connectRedis(client);
  return client;
}

/** The same, not connected yet. */
export function clientFor(url: string, { subscriber = false, onError }: ConnectOptions = {}): RedisClient {
  const location = parseRedisLocation(url);
  if (location === undefined) throw new Error(`Not a Redis URL: ${url}`);
  return createRedis({ location, subscriber, onError: onError ?? (() => undefined) });
}

import type { Clock } from '../core/clock.ts';
import type { RedisClient } from './redis.ts';

/** How far this machine's clock is ahead of Redis's, in ms; the journey to Redis and back counts half. */
export async function clockDifferenceMs(redis: RedisClient, clock: Clock): Promise<number> {
  const before = clock.now();
  const [seconds, microseconds] = await redis.time();
  const after = clock.now();
  return Math.round((before + after) / 2 - (Number(seconds) * 1000 + Number(microseconds) / 1000));
}

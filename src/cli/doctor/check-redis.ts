import type { Clock } from '../../core/clock.ts';
import { inspectRedis, type RedisInspection } from '../../storage/redis-inspection.ts';
import type { RedisLocation } from '../../storage/redis-location.ts';
import { explainError } from '../explain-error.ts';
import { checkClockDifference } from './clock-difference.ts';
import { type Finding, findingsOf } from './finding.ts';

const { ok, warn, fail } = findingsOf('redis');

/** Whether it answers, understands GETEX (6.2), keeps what it was given, and knows the time. */
export async function checkRedis(
  location: RedisLocation | undefined,
  clock: Clock,
): Promise<readonly Finding[]> {
  if (location === undefined)
    return [ok('REDIS_URL is empty: sessions live in the database, for one server process')];
  try {
    return (await inspectRedis(location, clock)).flatMap(checkServer);
  } catch (error) {
    return [fail(explainError(error), 'Sign-in is unavailable until it answers.')];
  }
}

function checkServer({ version, evictionPolicy, clockAheadMs }: RedisInspection): readonly Finding[] {
  return [
    hasGetex(version)
      ? ok(`Redis ${version} answers`)
      : fail(`Redis ${version} is too old: it has no GETEX`, 'Install Redis 6.2 or newer.'),
    ...checkEviction(evictionPolicy),
    ...checkClockDifference('redis', clockAheadMs),
  ];
}

function hasGetex(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 2);
}

function checkEviction(policy: string | undefined): readonly Finding[] {
  if (policy === undefined || policy === 'noeviction') return [];
  return [
    warn(
      `maxmemory-policy is ${policy}: when memory runs short, Redis drops sessions and people are signed out`,
      'Set maxmemory-policy noeviction in redis.conf.',
    ),
  ];
}

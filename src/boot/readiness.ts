import type { Clock } from '../core/clock.ts';
import { CLOCK_SKEW_TOLERANCE_MS } from '../core/expiry.ts';
import type { ReadinessCheck } from '../http/probes.ts';
import type { RedisClient } from '../storage/redis.ts';
import { clockDifferenceMs } from '../storage/redis-clock.ts';
import type { CheckedSecret } from '../storage/secret-checks.ts';
import type { Infrastructure } from './connect.ts';

/** What the server cannot do without: for the probe and for the administrators' overview. */
export function serverParts({ clock, database, redis }: Infrastructure): readonly ReadinessCheck[] {
  const ofRedis =
    redis === undefined
      ? []
      : [
          { name: 'redis', check: async () => void (await redis.ping()) },
          { name: 'clock', check: () => compareClocks(redis, clock) },
        ];
  return [{ name: 'database', check: () => database.ping() }, ...ofRedis];
}

/** Not what waits: a revocation that is stuck would take every node out of the load balancer. It raises an alert. */
export function createReadiness(
  infrastructure: Infrastructure,
  changedSecrets: readonly CheckedSecret[],
): readonly ReadinessCheck[] {
  const { gate } = infrastructure;
  return [
    ...serverParts(infrastructure),
    ...(gate === undefined ? [] : [{ name: 'sessions', check: async () => gate.pass() }]),
    ...secretChecks(changedSecrets),
  ];
}

/** Restarting the server with the right secrets, or `curfew keys accept`, is what ends this. */
function secretChecks(changed: readonly CheckedSecret[]): readonly ReadinessCheck[] {
  if (changed.length === 0) return [];
  return [{ name: 'secrets', check: () => Promise.reject(new Error(`Changed: ${changed.join(', ')}`)) }];
}

async function compareClocks(redis: RedisClient, clock: Clock): Promise<void> {
  const differenceMs = await clockDifferenceMs(redis, clock);
  if (Math.abs(differenceMs) > CLOCK_SKEW_TOLERANCE_MS)
    throw new Error(`The clock differs by ${differenceMs} ms`);
}

import { join } from 'node:path';
import { Redis } from 'ioredis';
import { systemClock } from '../../src/core/clock.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { sessionKey } from '../../src/sessions/redis/redis-keys.ts';
import { type Child, startChild } from '../child-process.ts';
import { alternate, type Comparison, type Metric, type Sample } from '../comparison.ts';
import { BENCH_FOLDER } from '../folders.ts';
import { addLiveSessions, SESSIONS_EACH } from '../live-sessions.ts';
import { CURFEW_FLAGS, curfewSettings } from '../server.ts';
import type { ServiceOrder, ServiceResult } from '../servers/services.ts';
import { newSetup, type Setup, setupsOf } from '../setups.ts';
import type { Workshop } from '../workshop.ts';

const PEOPLE = 20_000;
const SESSIONS = PEOPLE * SESSIONS_EACH;
const MOST_ROUNDS = 3;

const METRICS: readonly Metric[] = [
  { name: 'seconds', better: 'less', digits: 2 },
  { name: 'event loop p99 ms', better: 'less', digits: 1 },
  { name: 'event loop max ms', better: 'less', digits: 1 },
  { name: 'peak resident MB', better: 'less', digits: 0 },
];

/** The moment of the cutoff: everybody's sessions end, each with its index entries and a line in the audit log. */
export async function compareSweep(workshop: Workshop): Promise<readonly Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const setup of await setupsOf(workshop)) {
    const measureIn = async (kind: 'sweep' | 'clear') =>
      measure(workshop, await newSetup(workshop, setup), kind);
    const curfew = { Curfew: () => measureIn('sweep') };
    // The least that there is, which only drops bodies.
    const measures =
      setup === 'SQLite' ? curfew : { 'connect-redis clear()': () => measureIn('clear'), ...curfew };
    comparisons.push({
      id: 'sweep',
      setup,
      title: `Ending ${SESSIONS} sessions of ${PEOPLE} people at the cutoff; ${setup}`,
      metrics: METRICS,
      subjects: await alternate(measures, Math.min(MOST_ROUNDS, workshop.options.rounds)),
    });
  }
  return comparisons;
}

async function measure(workshop: Workshop, { env }: Setup, kind: 'sweep' | 'clear'): Promise<Sample> {
  await addLiveSessions(env, PEOPLE, thisMinute() - MINUTE_MS);
  const services = startServices(workshop, env, {
    SESSION_EXPIRY_TIME: toIstIso(thisMinute()).slice(11, 16),
  });
  try {
    const result = await services.ask<ServiceResult>({ kind } satisfies ServiceOrder);
    if (kind === 'sweep' && result.count !== SESSIONS)
      throw new Error(`The sweep ended ${result.count} of ${SESSIONS} sessions`);
    return {
      seconds: result.seconds,
      'event loop p99 ms': result.loopP99Ms,
      'event loop max ms': result.loopMaxMs,
      'peak resident MB': result.peakResidentMb,
    };
  } finally {
    await services.stop();
    if (env.REDIS_URL !== '') await empty(env.REDIS_URL);
  }
}

const thisMinute = (): number => Math.floor(systemClock.now() / MINUTE_MS) * MINUTE_MS;

/** A process with Curfew's services, and no server. */
export function startServices(
  workshop: Workshop,
  env: Setup['env'],
  settings: Readonly<Record<string, string>> = {},
): Child {
  return startChild({
    module: join(BENCH_FOLDER, 'servers/services.ts'),
    cpu: workshop.placement.server,
    nodeFlags: CURFEW_FLAGS,
    env: curfewSettings({ ...env, LOG_LEVEL: 'warn', ...settings }),
  });
}

async function empty(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const left = await redis.keys(`${sessionKey('')}*`);
  await redis.flushdb();
  redis.disconnect();
  if (left.length > 0) throw new Error(`${left.length} sessions are left`);
}

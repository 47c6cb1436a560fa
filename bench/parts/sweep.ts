import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { systemClock } from '../../src/core/clock.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { toIstIso } from '../../src/core/ist.ts';
import { BY_LAST_SEEN, BY_LOGIN, sessionKey, userKey } from '../../src/sessions/redis/redis-keys.ts';
import { newSignedInSessionId } from '../../src/sessions/session-id.ts';
import { TEST_SECRETS } from '../../test/support/test-server.ts';
import { startChild } from '../child-process.ts';
import { alternate, type Comparison, type Metric, type Sample } from '../comparison.ts';
import { BENCH_FOLDER } from '../folders.ts';
import { CURFEW_FLAGS } from '../server.ts';
import type { SweepOrder, SweepResult } from '../servers/sweeper.ts';
import type { Workshop } from '../workshop.ts';

const USERS = 20_000;
const SESSIONS_EACH = 5;
const SESSIONS = USERS * SESSIONS_EACH;
const USERS_AT_ONCE = 200;
const SPREAD_MS = 6 * HOUR_MS;
const MOST_ROUNDS = 3;

const METRICS: readonly Metric[] = [
  { name: 'seconds', better: 'less', digits: 2 },
  { name: 'event loop p99 ms', better: 'less', digits: 1 },
  { name: 'event loop max ms', better: 'less', digits: 1 },
  { name: 'peak resident MB', better: 'less', digits: 0 },
];

/** The moment of the cutoff: everybody's sessions end, each with its index entries and a line in the audit log. */
export async function compareSweep(workshop: Workshop): Promise<readonly Comparison[]> {
  const measures = {
    'connect-redis clear()': () => measure(workshop, 'clear'),
    Curfew: () => measure(workshop, 'sweep'),
  };
  return [
    {
      title: `Ending ${SESSIONS} sessions of ${USERS} people in Redis (clear() drops the bodies and does nothing else)`,
      metrics: METRICS,
      subjects: await alternate(measures, Math.min(MOST_ROUNDS, workshop.options.rounds)),
    },
  ];
}

async function measure(workshop: Workshop, kind: SweepOrder['kind']): Promise<Sample> {
  const redisUrl = await workshop.newRedisDatabase();
  const redis = new Redis(redisUrl);
  const cutoff = Math.floor(systemClock.now() / MINUTE_MS) * MINUTE_MS;
  await fill(redis, cutoff - MINUTE_MS);
  const child = startChild({
    module: join(BENCH_FOLDER, 'servers/sweeper.ts'),
    cpu: workshop.placement.server,
    nodeFlags: CURFEW_FLAGS,
    env: {
      ...TEST_SECRETS,
      DATABASE_URL: `sqlite:${workshop.newDatabaseFile()}`,
      REDIS_URL: redisUrl,
      LOG_LEVEL: 'warn',
      SESSION_EXPIRY_TIME: toIstIso(cutoff).slice(11, 16),
    },
  });
  try {
    const result = await child.ask<SweepResult>({ kind } satisfies SweepOrder);
    if (kind === 'sweep' && result.ended !== SESSIONS)
      throw new Error(`The sweep ended ${result.ended} of ${SESSIONS} sessions`);
    if ((await redis.keys(`${sessionKey('')}*`)).length > 0) throw new Error('Sessions are left');
    return {
      seconds: result.seconds,
      'event loop p99 ms': result.loopP99Ms,
      'event loop max ms': result.loopMaxMs,
      'peak resident MB': result.peakResidentMb,
    };
  } finally {
    await child.stop();
    await redis.flushdb();
    redis.disconnect();
  }
}

/** Writes what signing in would have written, at moments spread over the day: neighbours in the index differ in owner. */
async function fill(redis: Redis, newest: number): Promise<void> {
  const userIds = Array.from({ length: USERS }, () => randomUUID());
  for (let start = 0; start < USERS; start += USERS_AT_ONCE) {
    const pipeline = redis.pipeline();
    const byLogin: (string | number)[] = [];
    const byLastSeen: (string | number)[] = [];
    for (let index = 0; index < USERS_AT_ONCE * SESSIONS_EACH; index += 1) {
      const userId = userIds[start + (index % USERS_AT_ONCE)] ?? '';
      const loginTime = newest - Math.floor(Math.random() * SPREAD_MS);
      const sid = newSignedInSessionId(userId, loginTime);
      pipeline.set(sessionKey(sid), bodyOf(userId, loginTime), 'PX', HOUR_MS);
      pipeline.zadd(userKey(userId), 0, sid);
      byLogin.push(loginTime, sid);
      byLastSeen.push(newest, sid);
    }
    pipeline.zadd(BY_LOGIN, ...byLogin).zadd(BY_LAST_SEEN, ...byLastSeen);
    await pipeline.exec();
  }
}

function bodyOf(userId: string, loginTime: number): string {
  return JSON.stringify({
    cookie: {
      originalMaxAge: null,
      expires: null,
      secure: false,
      httpOnly: true,
      path: '/',
      sameSite: 'lax',
    },
    csrfSecret: 'hJ3kR0q9Zb1xVYw2sT4uLmNo',
    userId,
    username: 'asha',
    role: 'user',
    epoch: 0,
    loginTime: toIstIso(loginTime),
    deviceId: 'KxW0mUq3vYb1cR7z',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    address: '127.0.0.1',
  });
}

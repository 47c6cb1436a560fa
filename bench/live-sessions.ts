import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { HOUR_MS } from '../src/core/duration.ts';
import { toIstIso } from '../src/core/ist.ts';
import { BY_LAST_SEEN, BY_LOGIN, sessionKey, userKey } from '../src/sessions/redis/redis-keys.ts';
import { newSignedInSessionId } from '../src/sessions/session-id.ts';
import type { Database } from '../src/storage/database.ts';
import { openUrl } from './people.ts';
import type { Setup } from './setups.ts';

export const SESSIONS_EACH = 5;
const PEOPLE_AT_ONCE = 200;
const SPREAD_MS = 6 * HOUR_MS;
const LIVE_MS = 8 * HOUR_MS;

interface LiveSession {
  readonly sid: string;
  readonly userId: string;
  readonly loginTime: number;
}

/**
 * Writes what so many people's signing in would have written, at moments spread over the six hours before `newest`:
 * neighbours in the index differ in owner. Answers the ids of the people.
 */
export async function addLiveSessions(
  { DATABASE_URL, REDIS_URL }: Setup['env'],
  people: number,
  newest: number,
): Promise<readonly string[]> {
  const database = await openUrl(DATABASE_URL);
  const redis = REDIS_URL === '' ? undefined : new Redis(REDIS_URL);
  const userIds = Array.from({ length: people }, () => randomUUID());
  for (let start = 0; start < people; start += PEOPLE_AT_ONCE) {
    const some = userIds.slice(start, start + PEOPLE_AT_ONCE);
    await addUsers(database, some);
    const sessions = Array.from({ length: some.length * SESSIONS_EACH }, (_, index) => {
      const userId = some[index % some.length] ?? '';
      const loginTime = newest - Math.floor(Math.random() * SPREAD_MS);
      return { sid: newSignedInSessionId(userId, loginTime), userId, loginTime };
    });
    await (redis === undefined ? addRows(database, sessions, newest) : addKeys(redis, sessions, newest));
  }
  redis?.disconnect();
  await database.close();
  return userIds;
}

async function addUsers({ db }: Database, ids: readonly string[]): Promise<void> {
  const rows = ids.map((id) => ({
    id,
    username: id,
    username_key: id,
    email: `${id}@example.org`,
    password_hash: '',
    role: 'user' as const,
    disabled: 0 as const,
    created_at: 0,
  }));
  await db.insertInto('users').values(rows).execute();
}

async function addRows({ db }: Database, sessions: readonly LiveSession[], lastSeen: number): Promise<void> {
  const rows = sessions.map(({ sid, userId, loginTime }) => ({
    sid,
    user_id: userId,
    epoch: 0,
    login_time: loginTime,
    last_seen: lastSeen,
    body: bodyOf(userId, loginTime),
  }));
  await db.insertInto('sessions').values(rows).execute();
}

async function addKeys(redis: Redis, sessions: readonly LiveSession[], lastSeen: number): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { sid, userId, loginTime } of sessions) {
    pipeline.set(sessionKey(sid), bodyOf(userId, loginTime), 'PX', LIVE_MS);
    pipeline.zadd(userKey(userId), 0, sid);
  }
  pipeline.zadd(BY_LOGIN, ...sessions.flatMap(({ sid, loginTime }) => [loginTime, sid]));
  pipeline.zadd(BY_LAST_SEEN, ...sessions.flatMap(({ sid }) => [lastSeen, sid]));
  await pipeline.exec();
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

import { inject } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { createRedisDatabase } from '../support/redis-server.ts';

/** Both ways of running, as settings over those of a project copy. Each call gives empty stores. */
export const WAYS_TO_RUN = [
  ['on SQLite', () => Promise.resolve({})],
  [
    'on Redis and Postgres',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

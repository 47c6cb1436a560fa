import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { connect } from '../../src/boot/connect.ts';
import { createLogger } from '../../src/boot/logger.ts';
import { parseConfig } from '../../src/config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { TEST_SECRETS } from '../support/test-server.ts';

const USER = 'no-channels';

test('leaves no connection to Redis open when connecting fails after both were made', async () => {
  const url = new URL(await createRedisDatabase({ url: inject('redisUrl') }));
  const admin = new Redis(url.href);
  // May do everything but subscribe, so that the last step fails.
  await admin.call('ACL', 'SETUSER', USER, 'on', '>secret', '~*', '+@all', 'resetchannels');
  url.username = USER;
  url.password = 'secret';
  const config = parseConfig({ ...TEST_SECRETS, DATABASE_URL: 'sqlite::memory:', REDIS_URL: url.href });
  const connections = async (): Promise<readonly string[]> =>
    String(await admin.call('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line.includes(`user=${USER}`));
  try {
    await expect(
      connect(config, systemClock, createLogger('fatal', { write: () => undefined })),
    ).rejects.toThrow();
    await expect.poll(connections).toEqual([]);
  } finally {
    await admin.call('ACL', 'DELUSER', USER);
    admin.disconnect();
  }
});

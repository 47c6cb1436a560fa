import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisServer } from '../../support/redis-server.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';

const DATA = 'appendonlydir';

/** A backup of a persistent Redis as it is now. */
export interface RedisSnapshot {
  /** Kills the server and starts it with the data of the backup: what was written since then never happened. */
  restore(): Promise<void>;
  remove(): void;
}

export function takeRedisSnapshot(redis: RedisServer): RedisSnapshot {
  const backup = createScratchDirectory('redis-backup');
  const data = join(redis.directory, DATA);
  cpSync(data, backup.path, { recursive: true });
  return {
    async restore() {
      await redis.kill();
      rmSync(data, { recursive: true });
      cpSync(backup.path, data, { recursive: true });
      await redis.restart();
    },
    remove: () => backup.remove(),
  };
}

import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createRedisDatabase, startRedis } from '../test/support/redis-server.ts';
import { createScratchDirectory } from '../test/support/scratch-directory.ts';
import { type LoadGenerator, startLoadGenerator } from './load/load-generator.ts';
import { type Placement, placeOnCpus } from './machine.ts';
import type { Options } from './options.ts';

/** What the parts of the benchmark share. */
export interface Workshop {
  readonly options: Options;
  readonly placement: Placement;
  readonly load: LoadGenerator;
  /** Redis commands carried out since it started. */
  countCommands(): Promise<number>;
  /** The URL of an empty Redis database. */
  newRedisDatabase(): Promise<string>;
  /** The path of a SQLite file that is not there yet. */
  newDatabaseFile(): string;
  /** Ends what was started; whatever a part has started and named with `atEnd` first. */
  close(): Promise<void>;
  atEnd(stop: () => Promise<void>): void;
}

/** Starts a redis-server of its own and the load generator. */
export async function openWorkshop(options: Options): Promise<Workshop> {
  const placement = placeOnCpus();
  const scratch = createScratchDirectory('bench');
  const redis = await startRedis();
  const client = new Redis(redis.url);
  const load = startLoadGenerator(placement.load);
  const stops: (() => Promise<void>)[] = [];
  let files = 0;

  return {
    options,
    placement,
    load,
    async countCommands() {
      const stats = await client.info('stats');
      return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]);
    },
    newRedisDatabase: () => createRedisDatabase(redis),
    newDatabaseFile() {
      files += 1;
      return join(scratch.path, `${files}.db`);
    },
    atEnd: (stop) => void stops.push(stop),
    async close() {
      for (const stop of stops.splice(0).reverse()) await stop();
      await load.stop();
      client.disconnect();
      await redis.stop();
      scratch.remove();
    },
  };
}

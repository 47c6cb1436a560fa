import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createDatabase, type PostgresServer, startPostgres } from '../test/support/postgres-server.ts';
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
  /** The URL of an empty Postgres database; undefined where Postgres is not installed. */
  newPostgresDatabase(): Promise<string | undefined>;
  /** Ends what was named with `atEnd`, the last first. */
  stopStarted(): Promise<void>;
  /** The same, and then the workshop itself. */
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
  let postgres: Promise<PostgresServer | undefined> | undefined;
  const stopStarted = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };

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
    async newPostgresDatabase() {
      postgres ??= startPostgres().catch(() => undefined);
      const server = await postgres;
      return server && createDatabase(server);
    },
    atEnd: (stop) => void stops.push(stop),
    stopStarted,
    async close() {
      await stopStarted();
      await (await postgres)?.stop();
      await load.stop();
      client.disconnect();
      await redis.stop();
      scratch.remove();
    },
  };
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findBinary } from './find-binary.ts';
import { onFreePort } from './free-port.ts';
import { createScratchDirectory } from './scratch-directory.ts';
import { startServerProcess } from './server-process.ts';

export interface RedisOptions {
  /** Keeps what was written, each write before its answer: for a server that comes back with its old data. Off. */
  readonly persistent?: boolean;
  /** Further lines of redis.conf, such as `cluster-enabled yes`. */
  readonly settings?: readonly string[];
  /** Not a store but a Sentinel, which watches others. Off. */
  readonly sentinel?: boolean;
}

/** A redis-server of its own, on 127.0.0.1. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Where its files lie. */
  readonly directory: string;
  /** Changes with a restart. */
  readonly pid: number;
  /** Ends it for good and removes its directory. */
  stop(): Promise<void>;
  /** SIGKILL. Connections break and new ones are refused. */
  kill(): Promise<void>;
  /** Starts it again on the same port after `kill`: empty, or with its old data when persistent. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and no command is answered. */
  pause(): void;
  resume(): void;
}

const DATABASES = 4096;

/** Starts a redis-server in some tens of milliseconds. Throws when it is not installed. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const command = findBinary('redis-server', { debianPackage: 'redis-server' });
  const directory = createScratchDirectory('redis');
  const configFile = join(directory.path, 'redis.conf');
  const start = () =>
    startServerProcess({
      command,
      args: options.sentinel === true ? [configFile, '--sentinel'] : [configFile],
      ready: /Ready to accept connections|Sentinel ID is/,
      orphanSignal: 'SIGKILL',
    });

  let port = 0;
  let running = await onFreePort(async (freePort) => {
    port = freePort;
    await writeFile(configFile, configuration(port, directory.path, options));
    return start();
  });

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    directory: directory.path,
    get pid() {
      return running.pid;
    },
    async stop() {
      await running.end('SIGTERM');
      directory.remove();
    },
    kill: () => running.end('SIGKILL'),
    async restart() {
      await running.end('SIGKILL');
      running = await start();
    },
    pause: () => void process.kill(running.pid, 'SIGSTOP'),
    resume: () => void process.kill(running.pid, 'SIGCONT'),
  };
}

/**
 * The URL of an empty numbered database on the server at `url`. Keys are apart; pub/sub channels, command counts and
 * FLUSHALL are not: a test that needs those to itself starts a server of its own.
 */
export async function createRedisDatabase({ url }: { readonly url: string }): Promise<string> {
  const client = new Redis(url);
  try {
    const number = await client.incr('next-database');
    if (number >= DATABASES)
      throw new Error(`all ${DATABASES} databases of the shared redis-server are taken`);
    return Object.assign(new URL(url), { pathname: `/${number}` }).toString();
  } finally {
    client.disconnect();
  }
}

function configuration(port: number, directory: string, options: RedisOptions): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    'daemonize no',
    ...(options.sentinel === true ? [] : storeConfiguration(options)),
    ...(options.settings ?? []),
    '',
  ].join('\n');
}

function storeConfiguration({ persistent = false }: RedisOptions): readonly string[] {
  return [
    'save ""',
    `databases ${DATABASES}`,
    ...(persistent ? ['appendonly yes', 'appendfsync always'] : ['appendonly no']),
  ];
}

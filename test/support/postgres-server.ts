import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findBinary } from './find-binary.ts';
import { onFreePort } from './free-port.ts';
import { createScratchDirectory } from './scratch-directory.ts';
import { type SystemUser, startServerProcess } from './server-process.ts';

/** A Postgres of its own, on 127.0.0.1, open to everyone there. */
export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** Changes with a restart. */
  readonly pid: number;
  /** Ends it for good and removes its directory. */
  stop(): Promise<void>;
  /** An immediate shutdown, which leaves its data as a crash would: connections break and new ones are refused. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>;
  /** SIGSTOP to all its processes: connections stay open and no query is answered. Linux only. */
  pause(): void;
  resume(): void;
}

const DEBIAN_BINARIES = '/usr/lib/postgresql';
const SUPERUSER = 'postgres';
/** Nothing waits for the disk, since the machine does not crash; commits do reach the kernel, so a killed server loses none. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=200'];

const run = promisify(execFile);

/** Makes and starts a Postgres, in about two seconds. Throws when it is not installed. */
export async function startPostgres(): Promise<PostgresServer> {
  const binaries = { debianPackage: 'postgresql', directories: debianDirectories() };
  const initdb = findBinary('initdb', binaries);
  const command = findBinary('postgres', binaries);
  const user = postgresUserWhenRoot();
  const directory = createScratchDirectory('postgres');
  if (user !== undefined) chownSync(directory.path, user.uid, user.gid);
  await run(
    initdb,
    ['-D', directory.path, '-U', SUPERUSER, '--auth=trust', '--no-sync', '--encoding=UTF8', '--no-locale'],
    { cwd: '/', ...user },
  );

  const start = (port: number) =>
    startServerProcess({
      command,
      args: ['-D', directory.path, '-p', String(port), '-h', '127.0.0.1', '-k', '', ...settings()],
      ready: /database system is ready to accept connections/,
      orphanSignal: 'SIGQUIT',
      user,
    });

  let port = 0;
  let running = await onFreePort((freePort) => {
    port = freePort;
    return start(port);
  });

  let paused = false;
  const signalAll = (signal: 'SIGSTOP' | 'SIGCONT') => {
    paused = signal === 'SIGSTOP';
    for (const pid of [running.pid, ...childrenOf(running.pid)])
      try {
        process.kill(pid, signal);
      } catch (error) {
        // A child of it may have ended since it was listed.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
  };
  const end = (signal: NodeJS.Signals) => {
    if (paused) signalAll('SIGCONT');
    return running.end(signal);
  };

  return {
    url: `postgres://${SUPERUSER}@127.0.0.1:${port}/postgres`,
    port,
    get pid() {
      return running.pid;
    },
    async stop() {
      await end('SIGINT');
      directory.remove();
    },
    kill: () => end('SIGQUIT'),
    async restart() {
      await end('SIGQUIT');
      running = await start(port);
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
  };
}

/** Makes an empty database, named at random, on the server at `url`; returns the new database's own URL. */
export function createDatabase({ url }: { readonly url: string }): Promise<string> {
  return createNamed(url, '');
}

/** Makes a database with the tables and rows of the one at `url`, to which nothing may be connected; returns its URL. */
export function copyDatabase({ url }: { readonly url: string }): Promise<string> {
  return createNamed(
    Object.assign(new URL(url), { pathname: `/${SUPERUSER}` }).toString(),
    ` template ${new URL(url).pathname.slice(1)}`,
  );
}

async function createNamed(url: string, origin: string): Promise<string> {
  const name = `curfew_${randomUUID().replaceAll('-', '')}`;
  await query(url, `create database ${name}${origin}`);
  return Object.assign(new URL(url), { pathname: `/${name}` }).toString();
}

/** Over a connection of its own. */
export async function query(url: string, statement: string, values: readonly string[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement, [...values]);
  } finally {
    await client.end();
  }
}

/** Each connection is served by a process of its own, a child of the first. */
function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

function settings(): readonly string[] {
  return SETTINGS.flatMap((setting) => ['-c', setting]);
}

/** Debian keeps the server's programs off the PATH, one directory for each version: the newest first. */
function debianDirectories(): readonly string[] {
  try {
    return readdirSync(DEBIAN_BINARIES)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN_BINARIES, version, 'bin'));
  } catch {
    return [];
  }
}

/** Postgres refuses to run as root: then it runs as the user that its package made. */
function postgresUserWhenRoot(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, SUPERUSER], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

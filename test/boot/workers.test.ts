import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, utimesSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { createProjectCopy } from '../cli/project-copy.ts';
import { createTcpProxy, type TcpProxy } from '../faults/support/tcp-proxy.ts';
import { asBrowser, openSocket, type SocketClient } from '../feed/socket-client.ts';
import { findFreePort } from '../support/free-port.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn } from '../support/visitor.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

describe('two workers', { timeout: 180_000 }, () => {
  let databaseUrl: string;
  let redisUrl: string;
  let primary: ChildProcess | undefined;
  let output: string;
  let port: number;

  beforeEach(async () => {
    databaseUrl = await createDatabase({ url: inject('postgresUrl') });
    redisUrl = await createRedisDatabase({ url: inject('redisUrl') });
    output = '';
    port = await findFreePort();
  });
  afterEach(async () => {
    if (primary === undefined || hasEnded(primary)) return;
    primary.kill('SIGKILL');
    await once(primary, 'exit');
  });

  function start(env: Readonly<Record<string, string>> = {}, main = MAIN): ChildProcess {
    const settings = {
      ...TEST_SECRETS,
      NODE_ENV: 'production',
      PORT: String(port),
      WEB_CONCURRENCY: '2',
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      LOG_LEVEL: 'info',
      ...env,
    };
    primary = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...settings } });
    for (const stream of [primary.stdout, primary.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    return primary;
  }

  /** With what it wrote, where it does not end. */
  async function ended(): Promise<unknown> {
    const late = sleep(60_000).then(() => `Still there:\n${output}`);
    return Promise.race([once(primary as ChildProcess, 'exit'), late]);
  }

  const times = (words: string): number => output.split(words).length - 1;
  const within = (timeout: number) => ({ timeout, interval: 100 });
  const bothServe = () => vi.waitFor(() => expect(times('Curfew is ready')).toBe(2), within(60_000));

  it('that cannot start make the whole give up, and it says why once', async () => {
    // Held, so that no Redis of another test comes to stand there.
    const held = createServer((socket) => socket.destroy());
    start({ REDIS_URL: `redis://127.0.0.1:${await listen(held)}` });
    expect(await ended()).toEqual([1, null]);
    held.close();
    expect(times('Redis (REDIS_URL) does not answer')).toBe(1);
    expect(output).toMatch(/^Curfew could not start: Redis/m);
  });

  it('that find their port taken say so once as well', async () => {
    const taken = createServer();
    port = await listen(taken);
    start();
    expect(await ended()).toEqual([1, null]);
    expect(times('Another program uses this port')).toBe(1);
    taken.close();
  });

  it('are not ended by a SIGHUP while they start', async () => {
    const arrived = Promise.withResolvers<void>();
    const silent = createServer(() => arrived.resolve());
    start({ DATABASE_URL: `postgres://curfew@127.0.0.1:${await listen(silent)}/curfew` });
    await arrived.promise;
    primary?.kill('SIGHUP');
    expect(await ended()).toEqual([1, null]);
    expect(times('The database (DATABASE_URL) does not answer')).toBe(1);
    expect(output).not.toContain('SIGHUP');
    silent.close();
  });

  it('both read .env again at a SIGHUP', async () => {
    const project = createProjectCopy();
    // Always as old and as long as before: nobody who only watches the file notices.
    const write = (cutoff: string): void => {
      project.writeEnvFile(`SESSION_EXPIRY_TIME=${cutoff}\n`);
      utimesSync(join(project.folder, '.env'), 1_700_000_000, 1_700_000_000);
    };
    write('03:00');
    start({}, join(project.folder, 'src/main.ts'));
    await bothServe();
    write('15:45');
    primary?.kill('SIGHUP');
    await vi.waitFor(() => expect(times('New session limits are in force')).toBe(2), within(60_000));
    project.remove();
  });

  it('both take sockets of a user, which events, prices and the end of the sessions reach', async () => {
    start({ SANDBOX_BROKER: 'on', SANDBOX_MARKET: 'always', SECOND_FACTOR: 'off' });
    await bothServe();
    const origin = `http://127.0.0.1:${port}`;
    const [asha, phone] = [createVisitor(origin), createVisitor(origin)];
    await setUp(asha);
    await signIn(asha);
    await connectSandbox(asha);
    const sockets = await openOnBoth(() => openSocket(origin, asBrowser(origin, asha.sessionCookie())));
    for (const socket of sockets) {
      socket.send({ v: 1, type: 'subscribe', id: '1', symbols: ['NSE:INFY'] });
      expect(await socket.next(({ type }) => type === 'price')).toMatchObject({ stale: false });
    }
    await signIn(phone);
    await phone.submit('/auth/logout', {});
    for (const socket of sockets)
      expect(await socket.next(({ event }) => event === 'session_ended')).toMatchObject({
        reason: 'logged_out',
      });
    const at = performance.now();
    await asha.submit('/auth/logout', { everywhere: '1' });
    for (const socket of sockets) {
      const closing = await socket.closed;
      expect(closing).toMatchObject({ code: 4401 });
      expect(closing.at - at).toBeLessThan(1_000);
    }
  });

  /** The cluster module hands connections out in turn; a form's connection may have come in between. */
  async function openOnBoth(open: () => Promise<SocketClient>): Promise<readonly SocketClient[]> {
    const byWorker = new Map<number, SocketClient>();
    for (let tries = 0; byWorker.size < 2 && tries < 5; tries += 1) {
      const socket = await open();
      byWorker.set(workerBehind(socket), socket);
    }
    expect([...byWorker.keys()].toSorted()).toEqual(workersOf(primary).toSorted());
    return [...byWorker.values()];
  }

  /** The process that has the other end of its connection. */
  function workerBehind({ localPort }: SocketClient): number {
    const asHex = (each: number): string => `:${each.toString(16).toUpperCase().padStart(4, '0')}`;
    const connections = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    const inode = connections.find(
      ([, local, remote]) => local?.endsWith(asHex(port)) && remote?.endsWith(asHex(localPort)),
    )?.[9];
    const found = workersOf(primary).find((pid) =>
      readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`),
    );
    if (found === undefined) throw new Error('No worker has the connection');
    return found;
  }

  describe('that have served', () => {
    let toRedis: TcpProxy;
    beforeEach(async () => {
      const url = new URL(redisUrl);
      toRedis = await createTcpProxy(Number(url.port));
      url.port = String(toRedis.port);
      start({ REDIS_URL: url.toString() });
      await bothServe();
    }, 90_000);
    afterEach(() => toRedis.close());

    it('are replaced when Redis is back, with one line for all tries until then', async () => {
      const [first = 0] = workersOf(primary);
      toRedis.cut();
      process.kill(first, 'SIGKILL');
      await vi.waitFor(() => expect(times('died and is replaced')).toBe(1), within(30_000));
      await vi.waitFor(() => expect(times('Redis (REDIS_URL) does not answer')).toBe(1), within(60_000));
      // Some tries later.
      await sleep(8000);
      expect(times('Redis (REDIS_URL) does not answer')).toBe(1);
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
      await toRedis.heal();
      await vi.waitFor(() => expect(times('Curfew is ready')).toBe(3), within(90_000));
      expect(workersOf(primary)).toHaveLength(2);
      expect(workersOf(primary)).not.toContain(first);
    });

    it('end in order with the whole, also while one waits to be replaced', async () => {
      toRedis.cut();
      for (const pid of workersOf(primary)) process.kill(pid, 'SIGKILL');
      await vi.waitFor(() => expect(times('Redis (REDIS_URL) does not answer')).toBe(1), within(60_000));
      const startedAt = performance.now();
      primary?.kill('SIGTERM');
      expect(await ended()).toEqual([0, null]);
      expect(performance.now() - startedAt).toBeLessThan(20_000);
    });
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Undefined where it was closed meanwhile. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

function workersOf(primary: ChildProcess | undefined): readonly number[] {
  const text = readFileSync(`/proc/${primary?.pid}/task/${primary?.pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

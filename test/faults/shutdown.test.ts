import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createPostgresDatabase } from '../support/databases.ts';
import { timeUntil } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { PERSON } from '../support/visitor.ts';
import { createBrowser } from './support/browser.ts';
import { mustSignIn } from './support/device.ts';
import { makeFirstAccount } from './support/first-account.ts';
import { measured } from './support/measured.ts';
import { type NodeProcess, startNode } from './support/node-process.ts';

/** Long before the ten seconds after which a node gives up waiting. */
const ENDS_WITHIN_MS = 6000;

let node: NodeProcess;
const visitor = createBrowser({ baseUrl: 'http://127.0.0.1' });
const statusOf = async (path: string): Promise<number> => (await visitor.request(node.origin, path)).status;

async function stores(): Promise<Record<string, string>> {
  return {
    DATABASE_URL: await createPostgresDatabase(),
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
  };
}

describe('a node that is told to close', () => {
  beforeEach(async () => {
    node = await startNode({ env: { ...(await stores()), SHUTDOWN_DELAY: '1s' } });
  });
  afterEach(() => node.kill());

  test('first says that it is not ready and still serves, then refuses, and ends with code 0', async () => {
    expect(await statusOf('/readyz')).toBe(200);
    const startedAt = performance.now();
    node.signal('SIGTERM');
    await timeUntil('not ready', async () => (await statusOf('/readyz')) === 503, { withinMs: 900 });
    expect(await statusOf('/auth/login')).not.toBe(0);
    expect(await statusOf('/')).toBe(200);
    await timeUntil('new connections are refused', async () => (await statusOf('/')) === 0, {
      withinMs: 5000,
    });
    expect(await node.ended).toEqual({ code: 0, signal: null });
    measured(
      'SIGTERM with SHUTDOWN_DELAY=1s: ended after',
      `${Math.round(performance.now() - startedAt)} ms`,
    );
  });

  test('finishes a request that is in flight when it stops to listen', async () => {
    const slow = await beginSlowRequest(node.port);
    node.signal('SIGTERM');
    await timeUntil('new connections are refused', async () => (await statusOf('/')) === 0, {
      withinMs: 5000,
    });
    expect(await slow.finish()).toMatch(/^HTTP\/1\.1 (303|403) /);
    expect(await node.ended).toEqual({ code: 0, signal: null });
  });

  test('answers the logouts that are under way, and each answer is true when it is started again', async () => {
    await makeFirstAccount(node);
    const devices = await Promise.all(
      Array.from({ length: 12 }, () => mustSignIn({ baseUrl: node.origin }, node.origin, PERSON)),
    );
    for (const device of devices) await device.openForm(node.origin);
    const answers = devices.map(async (device, index) => {
      await sleep(index * 4);
      return device.logOut(node.origin);
    });
    await sleep(20);
    node.signal('SIGTERM');
    const replies = await Promise.all(answers);
    expect(await node.ended).toEqual({ code: 0, signal: null });
    await node.start();
    const done = replies.map(({ status }) => status === 303);
    for (const [index, device] of devices.entries())
      if (done[index]) expect((await device.page(node.origin)).status).toBe(303);
    expect(done).toContain(true);
    for (const { status } of replies) expect([303, 503, 0]).toContain(status);
  });

  test('does not wait for connections that nobody uses', async () => {
    const idle = connect(node.port, '127.0.0.1');
    await once(idle, 'connect');
    idle.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(idle, 'data');
    const startedAt = performance.now();
    node.signal('SIGTERM');
    expect(await node.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(ENDS_WITHIN_MS);
    idle.destroy();
  });
});

describe('WEB_CONCURRENCY=2', () => {
  beforeEach(async () => {
    node = await startNode({ env: { ...(await stores()), WEB_CONCURRENCY: '2' } });
    await timeUntil('both workers run', () => workersOf(node).length === 2, { withinMs: 10_000 });
  });
  afterEach(() => node.kill());

  test('runs two workers under one port and replaces one that crashes, while the other serves', async () => {
    const [first = 0] = workersOf(node);
    await timeUntil('served', async () => (await statusOf('/readyz')) === 200, { withinMs: 10_000 });
    process.kill(first, 'SIGKILL');
    const startedAt = performance.now();
    // A connection that the primary process was handing over just then stays without an answer (node:cluster does not
    // take it back), so whoever has one asks again, as a load balancer does.
    const impatient = createBrowser({ baseUrl: node.origin, patienceMs: 300 });
    await timeUntil(
      'the other serves',
      async () => (await impatient.request(node.origin, '/')).status === 200,
      { withinMs: 3000 },
    );
    await timeUntil(
      'there are two again',
      () => workersOf(node).length === 2 && !workersOf(node).includes(first),
      { withinMs: 10_000 },
    );
    measured(
      'WEB_CONCURRENCY: a crashed worker is replaced after',
      `${Math.round(performance.now() - startedAt)} ms`,
    );
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf('/healthz')));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('ends all of them cleanly', async () => {
    const workers = workersOf(node);
    const startedAt = performance.now();
    node.signal('SIGTERM');
    expect(await node.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(ENDS_WITHIN_MS);
    for (const pid of workers) expect(isRunning(pid)).toBe(false);
  });

  test('ends also when no worker runs just then', async () => {
    for (const pid of workersOf(node)) process.kill(pid, 'SIGKILL');
    await timeUntil('no worker runs', () => workersOf(node).length === 0, { withinMs: 900 });
    node.signal('SIGTERM');
    const ended = await Promise.race([node.ended, sleep(5000)]);
    expect(ended).toEqual({ code: 0, signal: null });
  });
});

/** A form whose body comes in two halves. */
async function beginSlowRequest(port: number): Promise<{ finish(): Promise<string> }> {
  const body = 'username=asha&password=wrong-wrong-wrong';
  const socket: Socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const head = [
    'POST /auth/login HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Accept: text/html',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 8)}`);
  await sleep(200);
  return {
    async finish() {
      socket.write(body.slice(8));
      const [answer] = await once(socket, 'data');
      return String(answer);
    },
  };
}

function workersOf({ pid }: NodeProcess): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectRedis, viaRedis } from '../../src/storage/redis.ts';
import { eventually } from '../support/eventually.ts';
import { findFreePort } from '../support/free-port.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { clientFor, connectTo } from './redis-clients.ts';

/** A guarded page must have its 503 out within two seconds. */
const SOON_MS = 2000;

async function timeOf(work: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const startedAt = performance.now();
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return { error, ms: performance.now() - startedAt };
}

describe('a Redis client', () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it('gives up soon on a Redis that hangs, and works again when that goes on', async () => {
    const client = await connectTo(server.url);
    server.pause();
    const { error, ms } = await timeOf(viaRedis(() => client.get('key')));
    expect(error).toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 });
    expect(ms).toBeLessThan(SOON_MS);
    server.resume();
    await eventually(async () => expect(await client.set('key', 'value')).toBe('OK'));
    client.disconnect();
  });

  it('is refused a database number that Redis does not have', async () => {
    await expect(connectTo(`${server.url}/9999`)).rejects.toThrow('REDIS_URL names database 9999');
    const client = await connectTo(`${server.url}/1`);
    await client.set('key', 'value');
    client.disconnect();
    const first = await connectTo(server.url);
    expect(await first.get('key')).toBeNull();
    first.disconnect();
  });

  it('refuses at once while Redis is gone, keeps nothing for later, and comes back by itself', async () => {
    const client = await connectTo(server.url);
    await server.kill();
    await eventually(() => expect(client.status).not.toBe('ready'));
    const { error, ms } = await timeOf(viaRedis(() => client.set('key', 'stale')));
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(ms).toBeLessThan(1000);
    await server.restart();
    await eventually(async () => expect(await client.get('key')).toBeNull());
    client.disconnect();
  });

  it('reports broken connections and does not take the process down', async () => {
    const errors: Error[] = [];
    const client = await connectTo(server.url, { onError: (error) => errors.push(error) });
    await server.kill();
    await eventually(() => expect(errors.length).toBeGreaterThan(0));
    client.disconnect();
  });

  it('passes the cause on behind the words for a person', async () => {
    const cause = new Error('ECONNRESET');
    await expect(viaRedis(() => Promise.reject(cause))).rejects.toMatchObject({
      message: 'The session store is not available right now. Nothing was lost: try again in a moment.',
      cause,
    });
  });
});

describe('connecting to Redis', () => {
  it('fails with words for the operator, soon, and gives up', async () => {
    const port = await findFreePort();
    const client = clientFor(`redis://:hunter2@127.0.0.1:${port}`);
    const { error, ms } = await timeOf(connectRedis(client));
    expect(ms).toBeLessThan(5000);
    expect((error as Error).message).toContain('REDIS_URL');
    expect((error as Error).message).not.toContain('hunter2');
    // Nobody knocks at the port any more.
    let knocks = 0;
    const listener = createServer(() => {
      knocks += 1;
    }).listen(port, '127.0.0.1');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(knocks).toBe(0);
    listener.close();
  });

  it('fails when the password is wrong', async () => {
    const server = await startRedis({ settings: ['requirepass hunter2-right'] });
    const wrong = clientFor(server.url.replace('redis://', 'redis://:wrong@'));
    expect((await timeOf(connectRedis(wrong))).error).toMatchObject({
      message: expect.stringContaining('password'),
    });
    const right = await connectTo(server.url.replace('redis://', 'redis://:hunter2-right@'));
    expect(await right.ping()).toBe('PONG');
    right.disconnect();
    await server.stop();
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BrokerLogoutResult, createBrokerAdapters } from '../../src/broker/broker-adapter.ts';
import { createBrokerLogoutQueue } from '../../src/broker/logout-queue.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { type BrokerWorld, createBrokerWorld } from './broker-world.ts';
import { createFakeAdapter } from './fake-adapter.ts';

describe('The queue of logouts at brokers', () => {
  let world: BrokerWorld;
  let told: string[];
  let answer: () => Promise<BrokerLogoutResult>;

  beforeEach(async () => {
    world = createBrokerWorld(await openMemory());
    told = [];
    answer = async () => ({ kind: 'done' });
    await addUser(world.database, 'asha');
  });
  afterEach(() => world.database.close());

  function createQueue() {
    const adapter = createFakeAdapter({
      revoke({ accessToken }) {
        told.push(accessToken);
        return answer();
      },
    });
    return createBrokerLogoutQueue({
      ...world,
      adapters: createBrokerAdapters([adapter]),
      random: () => 0,
      callTimeoutMs: 50,
    });
  }
  const queueLogout = (text: string, broker = 'sandbox') =>
    world.logouts.add(
      {
        id: crypto.randomUUID(),
        userId: 'asha',
        broker,
        accessToken: world.cipher.forBroker(broker).encrypt(text),
      },
      world.clock.now(),
    );

  it('tells the broker, wipes the token, and writes it into the audit log', async () => {
    await queueLogout('the token');
    expect(await createQueue().drain()).toEqual({ done: 1, postponed: 0, dead: 0 });
    expect(told).toEqual(['the token']);
    expect(await world.logoutRows()).toMatchObject([{ status: 'done', access_token: null }]);
    expect(world.audit.events).toEqual([
      { type: 'broker.logged_out_at_broker', userId: 'asha', broker: 'sandbox' },
    ]);
  });

  it('works through more than it does at the same time', async () => {
    let running = 0;
    let most = 0;
    answer = async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(1);
      running -= 1;
      return { kind: 'done' };
    };
    for (let count = 0; count < 30; count += 1) await queueLogout(`token ${count}`);
    expect(await createQueue().drain()).toMatchObject({ done: 30 });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  it('tells the broker once when two nodes drain at the same time', async () => {
    for (let count = 0; count < 20; count += 1) await queueLogout(`token ${count}`);
    await Promise.all([createQueue().drain(), createQueue().drain()]);
    expect(told).toHaveLength(20);
    expect(new Set(told).size).toBe(20);
  });

  it('waits before it tries again, longer each time, and gives up after ten attempts', async () => {
    answer = async () => ({ kind: 'unreachable', why: 'network' });
    const queue = createQueue();
    await queueLogout('the token');
    const waits: number[] = [];
    for (let attempt = 1; attempt < 10; attempt += 1) {
      expect(await queue.drain()).toEqual({ done: 0, postponed: 1, dead: 0 });
      const [row] = await world.logoutRows();
      const wait = (row?.next_attempt_at ?? 0) - world.clock.now();
      waits.push(wait / SECOND_MS);
      world.clock.advance(wait - 1);
      expect(await queue.drain()).toEqual({ done: 0, postponed: 0, dead: 0 });
      world.clock.advance(1);
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 2560]);
    expect(await queue.drain()).toEqual({ done: 0, postponed: 0, dead: 1 });
    expect(await world.logoutRows()).toMatchObject([{ status: 'dead', attempts: 10, last_error: 'network' }]);
    expect(world.audit.events).toEqual([
      {
        type: 'broker.logout_at_broker_failed',
        userId: 'asha',
        broker: 'sandbox',
        attempts: 10,
        why: 'network',
      },
    ]);
    world.clock.advance(DAY_MS);
    expect(await queue.drain()).toEqual({ done: 0, postponed: 0, dead: 0 });
  });

  it('gives up after a day, however few the attempts were', async () => {
    answer = async () => ({ kind: 'refused', why: 'invalid_client' });
    await queueLogout('the token');
    world.clock.advance(DAY_MS);
    expect(await createQueue().drain()).toEqual({ done: 0, postponed: 0, dead: 1 });
  });

  it('succeeds when the broker is back', async () => {
    answer = async () => ({ kind: 'unreachable', why: 'network' });
    const queue = createQueue();
    await queueLogout('the token');
    await queue.drain();
    answer = async () => ({ kind: 'done' });
    world.clock.advance(10 * SECOND_MS);
    expect(await queue.drain()).toMatchObject({ done: 1 });
  });

  it('waits for no adapter that does not come back', async () => {
    answer = () => new Promise(() => undefined);
    await queueLogout('the token');
    expect(await createQueue().drain()).toMatchObject({ postponed: 1 });
    expect(await world.logoutRows()).toMatchObject([{ status: 'open', last_error: 'timeout' }]);
  });

  it('goes on after an adapter that throws, and logs neither the token nor what was thrown', async () => {
    answer = () => Promise.reject(new Error('failed with the token'));
    await queueLogout('the token');
    expect(await createQueue().drain()).toMatchObject({ postponed: 1 });
    expect(world.log.lines.join()).toContain('adapter failed');
    expect(world.log.lines.join()).not.toContain('the token');
  });

  it('gives up at once what it cannot read', async () => {
    await world.logouts.add(
      { id: 'one', userId: 'asha', broker: 'sandbox', accessToken: 'no ciphertext' },
      world.clock.now(),
    );
    expect(await createQueue().drain()).toMatchObject({ dead: 1 });
    expect(told).toEqual([]);
  });

  it('keeps the token of what it gave up, but for one that cannot be read', async () => {
    answer = async () => ({ kind: 'refused', why: 'invalid_client' });
    await queueLogout('the token');
    await world.logouts.add(
      { id: 'changed', userId: 'asha', broker: 'sandbox', accessToken: 'no ciphertext' },
      world.clock.now(),
    );
    world.clock.advance(DAY_MS);
    await createQueue().drain();
    const rows = await world.logoutRows();
    expect(new Map(rows.map((row) => [row.last_error, row.access_token !== null]))).toEqual(
      new Map([
        ['invalid_client', true],
        ['unreadable', false],
      ]),
    );
  });

  it('gives up where the app keys are gone, and asks with those of the moment where they are there', async () => {
    const adapter = createFakeAdapter({
      credentialFields: [{ name: 'apiKey', label: 'API key', secret: false, help: 'Beside the app.' }],
      async revoke({ credentials }) {
        told.push(JSON.stringify(credentials));
        return { kind: 'done' };
      },
    });
    const queue = createBrokerLogoutQueue({ ...world, adapters: createBrokerAdapters([adapter]) });
    await queueLogout('the token');
    expect(await queue.drain()).toMatchObject({ dead: 1 });
    expect(world.audit.events.at(-1)).toMatchObject({ attempts: 1, why: 'credentials_missing' });
    await world.credentials.save('asha', adapter, { apiKey: 'of today' }, { actor: 'asha' });
    const [dead] = await world.failedLogouts.list();
    await world.failedLogouts.tryAgain(dead?.id ?? '', world.clock.now());
    expect(await queue.drain()).toMatchObject({ done: 1 });
    expect(told).toEqual(['{"apiKey":"of today"}']);
  });

  it('does not end a token that the broker has handed out again since', async () => {
    const { id } = await world.connect('asha', { tokenDigest: 'the same' });
    await world.tokens.end({ kind: 'one', id }, { reason: 'disconnected', now: world.clock.now() });
    await world.connect('asha', { tokenDigest: 'the same' });
    expect(await createQueue().drain()).toMatchObject({ done: 1 });
    expect(told).toEqual([]);
    expect(await world.logoutRows()).toMatchObject([{ last_error: 'in_use_again', access_token: null }]);
    expect(world.audit.events).toEqual([]);
  });

  it('says of no broker without a logout that it was told', async () => {
    const { revoke: _, ...adapter } = createFakeAdapter();
    await queueLogout('the token');
    const queue = createBrokerLogoutQueue({ ...world, adapters: createBrokerAdapters([adapter]) });
    expect(await queue.drain()).toMatchObject({ done: 1 });
    expect(world.audit.events).toEqual([]);
    expect(await world.logoutRows()).toMatchObject([
      { last_error: 'no_logout_at_broker', access_token: null },
    ]);
  });

  it('waits for a broker that this server does not know (yet)', async () => {
    await queueLogout('the token', 'kite');
    expect(await createQueue().drain()).toMatchObject({ postponed: 1 });
    expect(await world.logoutRows()).toMatchObject([{ last_error: 'unknown_broker' }]);
  });

  it('takes over from a node that died in the middle', async () => {
    await queueLogout('the token');
    await world.logouts.claimDue({ now: world.clock.now(), limit: 1, leaseMs: MINUTE_MS });
    const queue = createQueue();
    expect(await queue.drain()).toMatchObject({ done: 0 });
    world.clock.advance(MINUTE_MS);
    expect(await queue.drain()).toMatchObject({ done: 1 });
  });

  it('works by itself once started, at once when woken, and no more when stopped', async () => {
    const queue = createQueue();
    queue.wake();
    await queueLogout('before the start');
    await sleep(30);
    expect(told).toEqual([]);

    queue.start();
    await until(() => told.length === 1);
    await queueLogout('after it');
    queue.wake();
    await until(() => told.length === 2);

    await queue.stop();
    await queueLogout('after the stop');
    queue.wake();
    await sleep(30);
    expect(told).toHaveLength(2);
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await sleep(10);
  expect(condition()).toBe(true);
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { nextCutoff } from '../../src/core/cutoff.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { timeUntil } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import type { Reply } from './support/browser.ts';
import { connectBroker } from './support/connect-broker.ts';
import { type Device, letsIn, mustSignIn } from './support/device.ts';
import { type House, type HouseNode, startHouse } from './support/house.ts';
import { createMachineClock, type MachineClock } from './support/machine-clock.ts';
import { putManySessions } from './support/many-sessions.ts';
import { measured } from './support/measured.ts';
import { startNode } from './support/node-process.ts';

const CUTOFF_TIME = { hour: 3, minute: 0 } as const;
const LEASE_MS = 30 * SECOND_MS;
const SWEPT_WITHIN_MS = 60 * SECOND_MS;
/** Nodes start in two seconds; beside three other test files on two cores in ten. */
const STARTED_BEFORE_MS = 25 * SECOND_MS;
const run = promisify(execFile);

describe('nodes whose machines’ clocks', () => {
  let clock: MachineClock;
  let house: House;
  let a: HouseNode;
  let b: HouseNode;
  let origins: readonly string[];

  beforeAll(async () => {
    clock = createMachineClock();
    house = await startHouse({ nodes: 2, people: 3, clock, env: { SESSION_EXPIRY_TIME: '03:00' } });
    const [first, second] = house.nodes;
    if (first === undefined || second === undefined) throw new Error('There are no nodes');
    [a, b] = [first, second];
    origins = house.origins;
  });
  afterAll(async () => {
    await house.close();
    clock.remove();
  });

  const signIn = (index: number): Promise<Device> => {
    const person = house.people[index];
    if (person === undefined) throw new Error(`Person ${index} does not live here`);
    return mustSignIn(house.browser, origins[0] ?? '', person);
  };

  /** Both nodes anew, so long before a cutoff: what their timers sleep towards is then no jump. */
  async function startBefore(cutoff: number, ms: number): Promise<void> {
    await Promise.all(house.nodes.map(({ process }) => process.kill()));
    clock.set(cutoff - ms);
    await Promise.all(house.nodes.map(({ process }) => process.start()));
  }

  const sweepsOf = (cutoff: number) =>
    house.office.infrastructure.database.db
      .selectFrom('revocations')
      .select(['status', 'attempts'])
      .where('dedupe_key', '=', `sweep:${cutoff}`)
      .execute();

  const isSwept = async (cutoff: number): Promise<boolean> =>
    (await sweepsOf(cutoff)).some(({ status }) => status === 'done');

  const tokens = () =>
    house.office.infrastructure.database.db
      .selectFrom('broker_tokens')
      .select(['is_revoked', 'revoke_reason'])
      .execute();

  test('went on while they were suspended let nobody in from before the cutoff, and the sweep is done once', async () => {
    const cutoff = nextCutoff(clock.now() + HOUR_MS, CUTOFF_TIME);
    clock.set(cutoff - MINUTE_MS);
    const device = await signIn(0);
    await connectBroker(device, origins[0] ?? '');
    await startBefore(cutoff, STARTED_BEFORE_MS);
    expect(await tokens()).toEqual([{ is_revoked: 0, revoke_reason: null }]);
    expect(clock.now()).toBeLessThan(cutoff);

    // The browser does not wait for ever.
    await timeUntil('the cutoff is near', () => clock.now() >= cutoff - 5 * SECOND_MS, {
      withinMs: STARTED_BEFORE_MS,
    });
    a.process.signal('SIGSTOP');
    const askedInItsSleep = device.page(a.process.origin);
    await timeUntil('the other node has swept', () => isSwept(cutoff), { withinMs: SWEPT_WITHIN_MS });
    measured('the sweep of a cutoff is done after the instant by', `${Math.round(clock.now() - cutoff)} ms`);
    expect((await device.page(b.process.origin)).status).toBe(303);
    a.process.signal('SIGCONT');

    const reply = await refusal(device, a.process.origin, askedInItsSleep);
    expect(reply.location).toMatch(/reason=cutoff/);
    expect((await device.page(a.process.origin)).status).toBe(303);
    expect(await tokens()).toEqual([{ is_revoked: 1, revoke_reason: 'cutoff' }]);
    const fresh = await signIn(0);
    for (const origin of origins) expect(letsIn(await fresh.page(origin))).toBe(true);
    expect(await sweepsOf(cutoff)).toEqual([{ status: 'done', attempts: 1 }]);
  });

  test('are set back across the cutoff revive and un-revoke nothing', async () => {
    const cutoff = nextCutoff(clock.now() + HOUR_MS, CUTOFF_TIME);
    clock.set(cutoff - HOUR_MS);
    const device = await signIn(1);
    await connectBroker(device, origins[0] ?? '');
    clock.set(cutoff + SECOND_MS);
    for (const origin of origins) expect((await device.page(origin)).status).toBe(303);
    const dead = await tokens();
    expect(dead.filter(({ is_revoked }) => is_revoked === 0)).toEqual([]);

    clock.set(cutoff - 10 * MINUTE_MS);
    for (const origin of origins) expect((await device.page(origin)).status).toBe(303);
    expect(await tokens()).toEqual(dead);
    const again = await signIn(1);
    for (const origin of origins) expect(letsIn(await again.page(origin))).toBe(true);

    clock.set(cutoff + MINUTE_MS);
    for (const one of [device, again])
      for (const origin of origins) expect((await one.page(origin)).status).toBe(303);
  });

  test('pass the cutoff: a node that is killed in the middle of the sweep has an heir', async () => {
    const cutoff = nextCutoff(clock.now() + HOUR_MS, CUTOFF_TIME);
    clock.set(cutoff - MINUTE_MS);
    const { registry } = house.office.services;
    const device = await signIn(2);
    await putManySessions(house.office, { people: 500, each: 4, loginTime: cutoff - MINUTE_MS });
    await startBefore(cutoff, STARTED_BEFORE_MS);
    const before = await registry.countBefore(cutoff);
    expect(before).toBeGreaterThan(2000);

    b.process.signal('SIGSTOP');
    // So slow that there is a middle.
    a.toRedis.delay(150);
    await timeUntil('the sweep is on its way', async () => (await registry.countBefore(cutoff)) < before, {
      withinMs: SWEPT_WITHIN_MS,
    });
    await a.process.kill();
    await a.toRedis.heal();
    const left = await registry.countBefore(cutoff);
    expect(left).toBeGreaterThan(0);
    expect(await isSwept(cutoff)).toBe(false);

    b.process.signal('SIGCONT');
    expect((await refusal(device, b.process.origin)).status).toBe(303);
    clock.jump(LEASE_MS);
    const ms = await timeUntil('the heir has finished it', () => isSwept(cutoff), {
      withinMs: SWEPT_WITHIN_MS,
    });
    measured(
      'a sweep whose node was killed is finished by another, after its lease of 30 s, within',
      `${ms} ms`,
    );
    expect(await registry.countBefore(cutoff)).toBe(0);
    expect(await sweepsOf(cutoff)).toHaveLength(1);
    await a.process.start();
  });
});

/**
 * What a page is answered with. A node that was stopped while Redis owed it an answer says 503 at first, until it has made
 * sure of what was ended meanwhile; it lets in at no time.
 */
async function refusal(device: Device, origin: string, first = device.page(origin)): Promise<Reply> {
  let reply = await first;
  await timeUntil(
    'the node that slept serves again',
    async () => {
      expect(letsIn(reply)).toBe(false);
      if (reply.status !== 503) return true;
      reply = await device.page(origin);
      return false;
    },
    { withinMs: SWEPT_WITHIN_MS },
  );
  return reply;
}

test('a node whose clock differs from Redis’s by more than two seconds says that it is not ready, and doctor tells why', async () => {
  const clock = createMachineClock();
  const env = {
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    DATABASE_URL: await createPostgresDatabase(),
    ...clock.env,
  };
  const node = await startNode({ env });
  const readiness = async () => (await fetch(`${node.origin}/readyz`)).json();
  const complaints = async (): Promise<readonly string[]> => {
    const { stdout } = await run(process.execPath, [inject('bundledServer').cli, 'doctor', '--json'], {
      env: { ...process.env, ...TEST_SECRETS, ...env, BASE_URL: node.origin, NODE_ENV: 'production' },
    });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; message: string }[] };
    return checks
      .filter(({ status, name }) => status === 'warn' && name === 'redis')
      .map(({ message }) => message);
  };

  expect(await readiness()).toMatchObject({ status: 'ready', checks: { clock: 'ok' } });
  expect(await complaints()).toEqual([]);
  clock.jump(3 * SECOND_MS);
  expect(await readiness()).toMatchObject({ status: 'not_ready', checks: { clock: 'failing', redis: 'ok' } });
  expect(await complaints()).toEqual([expect.stringContaining('behind this machine')]);
  clock.jump(-6 * SECOND_MS);
  expect(await readiness()).toMatchObject({ status: 'not_ready', checks: { clock: 'failing', redis: 'ok' } });
  expect(await complaints()).toEqual([expect.stringContaining('ahead of this machine')]);
  clock.jump(3 * SECOND_MS);
  expect(await readiness()).toMatchObject({ status: 'ready' });
  await node.kill();
  clock.remove();
});

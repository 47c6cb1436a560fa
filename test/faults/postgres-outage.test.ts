import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeUntil } from '../support/eventually.ts';
import { createBrowser } from './support/browser.ts';
import { type Device, letsIn, mustSignIn, signInDevice } from './support/device.ts';
import { type House, startHouse } from './support/house.ts';
import { measured } from './support/measured.ts';
import { countOpenOrders } from './support/outbox.ts';
import { POSTGRES_FAULTS } from './support/postgres-faults.ts';
import type { Fault } from './support/redis-faults.ts';

const ANSWERS_WITHIN_MS = 2000;
const RECOVERS_WITHIN_MS = 20_000;

let house: House;
let origin: string;
beforeAll(async () => {
  house = await startHouse({ nodes: 1, people: 3 });
  origin = house.nodes[0]?.process.origin ?? '';
});
afterAll(() => house.close());

describe.each(Object.entries(POSTGRES_FAULTS))('a Postgres that is %s', (name, createFault) => {
  let fault: Fault;
  let device: Device;
  let ended: Device;

  beforeAll(async () => {
    const [first, second] = house.people;
    if (first === undefined || second === undefined) throw new Error('Nobody lives here');
    device = await mustSignIn(house.browser, origin, first);
    ended = await mustSignIn(house.browser, origin, second);
    expect(letsIn(await device.page(origin))).toBe(true);
    expect((await ended.logOut(origin)).location).toBe('/auth/login?reason=logged_out');
    // The form's token is at hand before the lights go out.
    await device.openForm(origin);
    fault = createFault(house);
    await fault.begin();
  });
  afterAll(() => house.healNetwork());

  test('answers a logout with 503 that says it has not happened yet, and keeps the cookie', async () => {
    const reply = await device.logOut(origin);
    measured(`postgres ${name}: a logout is answered after`, `${reply.ms} ms`);
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('You are not signed out yet');
    expect(reply.headers['retry-after']).toMatch(/^\d+$/);
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(reply.ms).toBeLessThan(ANSWERS_WITHIN_MS);
  });

  test('does not say that a device was ended when that was not even stored', async () => {
    const reply = await device.submit(origin, '/auth/logout', { everywhere: 'yes' });
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('You are not signed out yet');
  });

  test('answers pages that need the database with 503 within two seconds', async () => {
    const replies = await Promise.all(Array.from({ length: 12 }, () => device.page(origin)));
    measured(
      `postgres ${name}: slowest of 12 pages at once`,
      `${Math.max(...replies.map((reply) => reply.ms))} ms`,
    );
    for (const reply of replies) {
      expect(reply.status).toBe(503);
      expect(reply.headers['retry-after']).toMatch(/^\d+$/);
      expect(reply.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    }
  });

  test('lets nobody in and goes on with what needs no database', async () => {
    expect(letsIn(await ended.page(origin))).toBe(false);
    const [person = { username: '', password: '' }] = house.people;
    const { device: signedIn, reply } = await signInDevice(house.browser, origin, person);
    expect(signedIn).toBeUndefined();
    expect(reply.status).toBe(503);
    const visitor = createBrowser(house.browser);
    for (const path of ['/', '/assets/curfew.css', '/healthz'])
      expect([path, (await visitor.request(origin, path)).status]).toEqual([path, 200]);
    expect((await visitor.request(origin, '/readyz')).status).toBe(503);
  });

  test('has done nothing by halves and carries a logout out after it is back, without a restart', async () => {
    await fault.end();
    const recoveredMs = await timeUntil(
      'guarded pages are served again',
      async () => letsIn(await device.page(origin)) || (await device.page(origin)).status === 303,
      { withinMs: RECOVERS_WITHIN_MS },
    );
    measured(`postgres ${name}: served again after`, `${recoveredMs} ms`);
    await timeUntil('nothing waits', async () => (await countOpenOrders(house.office)) === 0, {
      withinMs: 45_000,
    });

    const [person = { username: '', password: '' }] = house.people;
    const fresh = await mustSignIn(house.browser, origin, person);
    expect(letsIn(await fresh.page(origin))).toBe(true);
    expect((await fresh.logOut(origin, { everywhere: true })).location).toBe('/auth/login?reason=logged_out');
    for (const gone of [fresh, device, ended]) expect((await gone.page(origin)).status).toBe(303);
    expect(await countOpenOrders(house.office)).toBe(0);
  });

  test('leaves no transaction open behind', async () => {
    const { db } = house.office.infrastructure.database;
    const isClean = async (): Promise<boolean> => {
      const open = sql`select query from pg_stat_activity where state like 'idle in transaction%'`;
      return (await open.execute(db)).rows.length === 0;
    };
    await timeUntil('no transaction is open', isClean, { withinMs: 5000 });
  });
});

test('a Postgres connection that breaks in the middle of a query ends no server', async () => {
  const [node] = house.nodes;
  const [person = { username: '', password: '' }] = house.people;
  if (node === undefined) throw new Error('There is no node');
  const device = await mustSignIn(house.browser, origin, person);
  node.toPostgres.delay(300);
  const pages = Array.from({ length: 10 }, () => device.page(origin));
  await sleep(200);
  node.toPostgres.cut();
  for (const page of await Promise.all(pages)) expect(page.status).toBe(503);
  await node.toPostgres.heal();
  expect(node.process.hasEnded()).toBe(false);
  await timeUntil('served again', async () => letsIn(await device.page(origin)), {
    withinMs: RECOVERS_WITHIN_MS,
  });
});

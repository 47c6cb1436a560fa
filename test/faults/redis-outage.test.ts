import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeUntil } from '../support/eventually.ts';
import { createBrowser, type Reply } from './support/browser.ts';
import { type Device, letsIn, mustSignIn, signInDevice } from './support/device.ts';
import { type House, startHouse } from './support/house.ts';
import { measured } from './support/measured.ts';
import { type Fault, REDIS_FAULTS } from './support/redis-faults.ts';

/** What the contract allows a guarded page to take, whatever happens to Redis. */
const ANSWERS_WITHIN_MS = 2000;
const NOTICED_WITHIN_MS = 5000;
const RECOVERS_WITHIN_MS = 20_000;

let house: House;
beforeAll(async () => {
  house = await startHouse({ nodes: 1, people: 2 });
});
afterAll(() => house.close());

describe.each(Object.entries(REDIS_FAULTS))('a Redis that is %s', (name, createFault) => {
  let fault: Fault;
  let device: Device;
  let ended: Device;
  let waiting: Device;
  let origin: string;
  const during: Reply[] = [];
  let epochBefore: number;

  beforeAll(async () => {
    origin = house.nodes[0]?.process.origin ?? '';
    const [first, second] = house.people;
    if (first === undefined || second === undefined) throw new Error('Nobody lives here');
    device = await mustSignIn(house.browser, origin, first);
    waiting = await mustSignIn(house.browser, origin, second);
    // The tokens of their forms are at hand before the lights go out.
    for (const one of [device, waiting]) await one.openForm(origin);
    expect(letsIn(await waiting.page(origin))).toBe(true);
    ended = await mustSignIn(house.browser, origin, first);
    expect((await ended.logOut(origin)).location).toBe('/auth/login?reason=logged_out');

    epochBefore = await epochOfTheOneWhoWaits();

    fault = createFault(house);
    await fault.begin();
    const noticedMs = await timeUntil(
      'guarded pages answer 503',
      async () => {
        const reply = await device.page(origin);
        during.push(reply);
        return reply.status === 503;
      },
      { withinMs: NOTICED_WITHIN_MS },
    );
    measured(`redis ${name}: guarded pages answer 503 after`, `${noticedMs} ms`);
  });
  afterAll(async () => {
    await house.healNetwork();
  });

  /** Of the person who waits: it goes up when everything of theirs ends. */
  async function epochOfTheOneWhoWaits(): Promise<number> {
    const row = await house.office.infrastructure.database.db
      .selectFrom('user_epochs')
      .innerJoin('users', 'users.id', 'user_epochs.user_id')
      .select('epoch')
      .where('username', '=', house.people[1]?.username ?? '')
      .executeTakeFirst();
    return row?.epoch ?? 0;
  }

  test('answers guarded pages with 503 and Retry-After within two seconds, and keeps the cookie', async () => {
    during.push(await device.page(origin), await waiting.page(origin), await device.page(origin));
    measured(`redis ${name}: slowest answer`, `${Math.max(...during.map((reply) => reply.ms))} ms`);
    for (const reply of during) expect(reply.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    for (const reply of during.slice(-3)) {
      expect(reply.status).toBe(503);
      expect(reply.headers['retry-after']).toMatch(/^\d+$/);
      expect(reply.headers['set-cookie']).toBeUndefined();
    }
  });

  test('lets nobody in: neither a session that was ended nor a new one', async () => {
    expect((await ended.page(origin)).status).toBe(503);
    const [person] = house.people;
    const { device: signedIn, reply } = await signInDevice(
      house.browser,
      origin,
      person ?? { username: '', password: '' },
    );
    expect(signedIn).toBeUndefined();
    expect(reply.status).toBe(503);
    expect(reply.headers['set-cookie']).toBeUndefined();
  });

  test('stores a logout, and says that it has not happened yet', async () => {
    const reply = await waiting.logOut(origin);
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('You are not signed out yet');
    expect(reply.text).toContain('The revocation is stored');
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(reply.ms).toBeLessThan(ANSWERS_WITHIN_MS);
  });

  test('does not take a logout everywhere from a session that it cannot check', async () => {
    const reply = await device.logOut(origin, { everywhere: true });
    expect(reply.status).toBe(503);
    expect(reply.text).toContain('You are not signed out yet');
    expect(reply.text).toContain('try again');
  });

  test('goes on with what needs no session, and tells the load balancer', async () => {
    const visitor = createBrowser(house.browser);
    for (const path of ['/', '/assets/curfew.css', '/healthz'])
      expect([path, (await visitor.request(origin, path)).status]).toEqual([path, 200]);
    const ready = await visitor.request(origin, '/readyz');
    expect(ready.status).toBe(503);
    expect(ready.text).toContain('not_ready');
  });

  test('serves again, without a restart, to whom is still signed in and to nobody else', async () => {
    await fault.end();
    const recoveredMs = await timeUntil(
      'guarded pages are served again',
      async () => {
        expect(letsIn(await ended.page(origin))).toBe(false);
        return letsIn(await device.page(origin));
      },
      { withinMs: RECOVERS_WITHIN_MS },
    );
    measured(`redis ${name}: served again after`, `${recoveredMs} ms`);
    expect((await ended.page(origin)).status).toBe(303);
    await timeUntil(
      'the logout that was stored has happened',
      async () => (await waiting.page(origin)).status === 303,
      { withinMs: RECOVERS_WITHIN_MS },
    );
    // It was the person's only device: what the account had open ends with it, though nobody could tell at the time.
    await timeUntil('the account has ended', async () => (await epochOfTheOneWhoWaits()) > epochBefore, {
      withinMs: RECOVERS_WITHIN_MS,
    });
    await timeUntil(
      'the node is ready',
      async () => (await createBrowser(house.browser).request(origin, '/readyz')).status === 200,
      { withinMs: RECOVERS_WITHIN_MS },
    );
  });
});

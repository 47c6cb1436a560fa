import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { unavailable } from '../../src/errors.ts';
import { makeKey } from '../api/api-client.ts';
import { makeStrategy } from '../strategies/trader.ts';
import { watchStatements } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type BannedWorld, createBannedWorld, WAYS_TO_RUN } from './banned-world.ts';

const SESSION = '/api/v1/session';
const OFFICE = '203.0.113.9';
const html = { Accept: 'text/html' };

/** Signs in as the proxy passes it on: from this address. */
async function signInFrom(visitor: Visitor, origin: string, address: string): Promise<void> {
  const { username, password } = PERSON;
  const _csrf = await visitor.csrfTokenOf('/auth/login');
  const headers = { Origin: origin, 'X-Forwarded-For': address };
  const answer = await visitor.post('/auth/login', { username, password, _csrf }, headers);
  expect(answer.status).toBe(303);
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await work();
}

const cookieOf = (visitor: Visitor) => ({ Cookie: `curfew=${visitor.sessionCookie()}` });

describe.each(WAYS_TO_RUN)('an address that people sign in from, %s', (_name, nodeCount, createStores) => {
  let world: BannedWorld;
  let trader: Visitor;
  let goodKey: string;

  beforeEach(async () => {
    world = await createBannedWorld(nodeCount, await createStores());
    trader = createVisitor(world.first.origin);
    await setUp(trader);
    await signInFrom(trader, world.first.origin, OFFICE);
    await eventually(async () => expect(await world.knownAddresses()).toEqual([OFFICE]));
    goodKey = (await makeKey(trader)).key;
  });
  afterEach(() => world.close());

  const guessKey = () => world.ask(SESSION, OFFICE, { 'X-API-Key': 'cfw_guessed' });
  const isServed = async () => {
    const everyNode = world.nodes.map(() => 200);
    expect(await world.statuses('/auth/login', OFFICE)).toEqual(everyNode);
    for (const _node of world.nodes) {
      expect((await world.ask('/dashboard', OFFICE, { ...html, ...cookieOf(trader) })).status).toBe(200);
      expect((await world.ask(SESSION, OFFICE, { 'X-API-Key': goodKey })).status).toBe(200);
    }
  };

  test('wrong API keys are slowed down there and ban nobody, and good keys notice nothing', async () => {
    await times(10, async () => expect((await guessKey()).status).toBe(401));
    // Each node sees for itself, at the next wrong key that reaches it.
    await times(nodeCount, guessKey);
    await times(5 * nodeCount, async () => {
      const answer = await guessKey();
      expect({ status: answer.status, ...JSON.parse(answer.text) }).toMatchObject({
        status: 'error',
        error: 'rate_limited',
      });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    });
    await isServed();

    world.clock.advance(MINUTE_MS);
    const after = [];
    for (let count = 0; count < 2 * nodeCount; count += 1) after.push((await guessKey()).status);
    expect(after.sort()).toEqual([...world.nodes.map(() => 401), ...world.nodes.map(() => 429)]);
    await isServed();
    expect(await world.events('ban.added')).toEqual([]);
  });

  test('suspicious paths are slowed down there as well, whatever the client says of itself', async () => {
    const probe = () => world.ask('/.env', OFFICE, { ...html, 'Sec-Fetch-Site': 'cross-site' });
    await times(20 + nodeCount, probe);
    await times(nodeCount, async () => {
      const answer = await probe();
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    });
    await isServed();
    expect(await world.events('ban.added')).toEqual([]);
  });

  test('of IPv6 the whole /64 is known, and the next one is banned as any other', async () => {
    await signInFrom(createVisitor(world.first.origin), world.first.origin, '2001:db8:1:2::5');
    await eventually(async () => expect(await world.knownAddresses()).toContain('2001:db8:1:2::/64'));
    const guessFrom = (address: string) => () => world.ask(SESSION, address, { 'X-API-Key': 'cfw_guessed' });
    await times(10 + nodeCount, guessFrom('2001:db8:1:2:ffff::9'));
    expect((await guessFrom('2001:db8:1:2:ffff::9')()).status).toBe(429);
    await times(10, guessFrom('2001:db8:1:3::9'));
    await eventually(async () =>
      expect(await world.statuses('/auth/login', '2001:db8:1:3::1')).toEqual(world.nodes.map(() => 403)),
    );
    expect(await world.statuses('/auth/login', '2001:db8:1:2::1')).toEqual(world.nodes.map(() => 200));
  });

  test('a client that writes a known address into a header gains nothing by it', async () => {
    await times(10, () => world.ask(SESSION, `${OFFICE}, 198.51.100.7`, { 'X-API-Key': 'cfw_guessed' }));
    await eventually(async () =>
      expect(await world.statuses('/auth/login', '198.51.100.7')).toEqual(world.nodes.map(() => 403)),
    );
    await isServed();
  });

  test('it is forgotten when nobody has been signed in there for thirty days', async () => {
    const { upkeep } = world.first.services.bans;
    world.clock.advance(30 * DAY_MS - 1);
    await upkeep.tidy();
    expect(await world.knownAddresses()).toEqual([OFFICE]);
    world.clock.advance(1);
    await upkeep.tidy();
    expect(await world.knownAddresses()).toEqual([]);
    await times(10, guessKey);
    await eventually(async () =>
      expect(await world.statuses('/auth/login', OFFICE)).toEqual(world.nodes.map(() => 403)),
    );
  });
});

describe('two workers on one SQLite file, and a restart', () => {
  const scratch = createScratchDirectory('shared-address');
  const env = { DATABASE_URL: `sqlite:${join(scratch.path, 'curfew.db')}` };
  let world: BannedWorld;
  beforeEach(async () => {
    world = await createBannedWorld(2, env);
  });
  afterEach(async () => {
    await world.close();
    scratch.remove();
  });

  test('the address of a sign-in at one of them is known to the other, and to those that start later', async () => {
    const trader = createVisitor(world.first.origin);
    await setUp(trader);
    await signInFrom(trader, world.first.origin, OFFICE);
    await eventually(async () => expect(await world.knownAddresses()).toEqual([OFFICE]));
    const guessAtLast = async () => {
      const headers = { 'X-Forwarded-For': OFFICE, 'X-API-Key': 'cfw_guessed' };
      return (await fetch(world.last.origin + SESSION, { headers })).status;
    };
    await times(10, guessAtLast);
    expect(await guessAtLast()).toBe(429);

    await world.close();
    world = await createBannedWorld(2, env);
    expect(await guessAtLast()).toBe(401);
    expect(await guessAtLast()).toBe(429);
    expect(await world.statuses('/auth/login', OFFICE)).toEqual([200, 200]);
    expect(await world.events('ban.added')).toEqual([]);
  });
});

describe('from a banned address', () => {
  let world: BannedWorld;
  let trader: Visitor;
  beforeEach(async () => {
    world = await createBannedWorld(1, { PROGRAM_RATE_LIMIT: '600/minute' });
    trader = createVisitor(world.first.origin);
    await setUp(trader);
    await signIn(trader);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await world.close();
  });

  const from = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    fetch(world.first.origin + path, {
      method,
      redirect: 'manual',
      headers: { 'X-Forwarded-For': OFFICE, ...headers },
    });
  const statusOf = async (...request: Parameters<typeof from>) => (await from(...request)).status;
  const banByHand = () =>
    world.first.services.bans.bans.ban({ subject: OFFICE, note: '', length: 'permanent' }, { actor: 'cli' });
  const banByGuessing = () => times(10, () => from(SESSION, { 'X-API-Key': 'cfw_guessed' }));
  const logOut = (visitor: Visitor, _csrf: string) =>
    visitor.post('/auth/logout', { _csrf }, { Origin: world.first.origin, 'X-Forwarded-For': OFFICE });

  describe.each([
    ['by itself', banByGuessing],
    ['by an administrator', banByHand],
  ])('banned %s', (_how, ban) => {
    test('a live session gets its pages and files, can sign out, and is then refused', async () => {
      const cookie = cookieOf(trader);
      const token = await trader.csrfTokenOf('/sessions');
      await ban();
      expect(await statusOf('/auth/login', html)).toBe(403);
      for (const path of ['/dashboard', '/auth/session', '/assets/curfew.css', '/'])
        expect([path, await statusOf(path, { ...html, ...cookie })]).toEqual([path, 200]);
      const answer = await logOut(trader, token);
      expect([answer.status, answer.location]).toEqual([303, '/auth/login?reason=logged_out']);
      for (const path of ['/dashboard', '/auth/login', '/assets/curfew.css'])
        expect([path, await statusOf(path, { ...html, ...cookie })]).toEqual([path, 403]);
    });

    test('a good API key is served, and a revoked, a wrong or no key is not', async () => {
      const good = await makeKey(trader);
      const revoked = await makeKey(trader);
      await trader.submit(`/api-keys/${revoked.id}/revocation`, {}, `/api-keys/${revoked.id}`);
      await ban();
      expect(await statusOf(SESSION, { 'X-API-Key': good.key })).toBe(200);
      expect(await statusOf(SESSION, { Authorization: `Bearer ${good.key}` })).toBe(200);
      const forged = good.key.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
      for (const key of [revoked.key, forged, 'cfw_guessed'])
        expect(await statusOf(SESSION, { 'X-API-Key': key })).toBe(403);
      expect(await statusOf(SESSION)).toBe(403);
      // A key opens the API and no page; a session opens pages and no API.
      expect(await statusOf('/auth/login', { 'X-API-Key': good.key })).toBe(403);
      expect(await statusOf(SESSION, cookieOf(trader))).toBe(403);
    });

    test('the webhook of an active strategy takes signals, and one that is off or made up does not', async () => {
      const on = new URL((await makeStrategy(trader)).webhook).pathname;
      const off = new URL((await makeStrategy(trader, { name: 'Off' }, { on: false })).webhook).pathname;
      await ban();
      // It came in: the intake says what it lacks.
      expect(await statusOf(on, {}, 'POST')).toBe(400);
      expect(await statusOf(off, {}, 'POST')).toBe(403);
      expect(await statusOf(`/api/v1/webhooks/${'A'.repeat(32)}`, {}, 'POST')).toBe(403);
      expect(await statusOf(on)).toBe(403);
    });
  });

  test('a cookie that this server did not sign asks no store', async () => {
    await banByHand();
    const { passiveStore } = world.first.infrastructure.sessionStorage;
    const reads = vi.spyOn(passiveStore, 'get');
    const genuine = trader.sessionCookie();
    for (const value of ['', 'x', '%', 's%3As.a.b.c.d', `${genuine}x`, genuine.replace('s%3As.', 's%3As.0')])
      expect(await statusOf('/dashboard', { ...html, Cookie: `curfew=${value}` })).toBe(403);
    expect(reads).not.toHaveBeenCalled();
    expect(await statusOf('/dashboard', { ...html, Cookie: `theme=x; curfew=${genuine}` })).toBe(200);
  });

  test('a session from before the cutoff is refused, and asks no store', async () => {
    await banByHand();
    const { policy } = world.first.infrastructure;
    policy.replace({ ...policy.current(), cutoffTime: { hour: 10, minute: 30 } });
    const reads = vi.spyOn(world.first.infrastructure.sessionStorage.passiveStore, 'get');
    expect(await statusOf('/dashboard', { ...html, ...cookieOf(trader) })).toBe(200);
    expect(reads).toHaveBeenCalledTimes(1);
    world.clock.advance(30 * MINUTE_MS);
    expect(await statusOf('/dashboard', { ...html, ...cookieOf(trader) })).toBe(403);
    expect(reads).toHaveBeenCalledTimes(1);
  });

  test('an ended session and a revoked key are looked up once, however often they come', async () => {
    const { id, key } = await makeKey(trader);
    await trader.submit(`/api-keys/${id}/revocation`, {}, `/api-keys/${id}`);
    const cookie = cookieOf(trader);
    await logOut(trader, await trader.csrfTokenOf('/sessions'));
    await banByHand();
    const reads = vi.spyOn(world.first.infrastructure.sessionStorage.passiveStore, 'get');
    const verified = vi.spyOn(world.first.services.api.verifier, 'verify');
    const both = () => [statusOf('/dashboard', cookie), statusOf(SESSION, { 'X-API-Key': key })];
    const statuses = await Promise.all(Array.from({ length: 20 }, both).flat());
    expect(new Set(statuses)).toEqual(new Set([403]));
    expect(reads).toHaveBeenCalledTimes(1);
    expect(verified).toHaveBeenCalledTimes(1);
  });

  test('made-up webhooks are looked up sixty times a minute, and do not keep out one that has been used', async () => {
    const webhook = new URL((await makeStrategy(trader)).webhook).pathname;
    await banByHand();
    expect(await statusOf(webhook, {}, 'POST')).toBe(400);
    const made = (index: number) => `/api/v1/webhooks/${String(index).padStart(32, 'A')}`;
    const { counted } = countLookups();
    const tries = Array.from({ length: 100 }, (_, index) => statusOf(made(index), {}, 'POST'));
    expect(new Set(await Promise.all(tries))).toEqual(new Set([403]));
    expect(counted()).toBe(59);
    expect(await statusOf(webhook, {}, 'POST')).toBe(400);
  });

  test('signing out works while the session store is away, and pages say that it is', async () => {
    await banByHand();
    const { activeStore, passiveStore } = world.first.infrastructure.sessionStorage;
    for (const store of [activeStore, passiveStore])
      vi.spyOn(store, 'get').mockImplementation((_sid, callback) =>
        callback(unavailable('The session store')),
      );
    expect(await statusOf('/dashboard', { ...html, ...cookieOf(trader) })).toBe(503);
    const answer = await logOut(trader, '');
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('The revocation is stored');
    vi.restoreAllMocks();
    expect(await statusOf('/dashboard', { ...html, ...cookieOf(trader) })).toBe(403);
  });

  test('what comes in is counted apart from what is refused', async () => {
    await banByHand();
    await from('/dashboard', { ...html, ...cookieOf(trader) });
    await from('/dashboard', html);
    const metrics = await (await fetch(`${world.first.origin}/metrics`)).text();
    expect(metrics).toMatch(/^curfew_banned_passed_total 1$/m);
    expect(metrics).toMatch(/^curfew_banned_requests_total 1$/m);
  });

  /** Of strategies by webhook. */
  function countLookups() {
    const sent = watchStatements(world.first.infrastructure.database);
    return { counted: () => sent().filter((statement) => statement.includes('from "strategies"')).length };
  }
});

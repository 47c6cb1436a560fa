import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { makeKey } from '../api/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { type BannedWorld, createBannedWorld, WAYS_TO_RUN } from './banned-world.ts';

const SESSION = '/api/v1/session';
const STRANGER = '203.0.113.9';
const html = { Accept: 'text/html' };

describe.each(WAYS_TO_RUN)('bans that nobody orders, %s', (_name, nodeCount, createStores) => {
  let world: BannedWorld;
  let owner: Visitor;

  beforeEach(async () => {
    world = await createBannedWorld(nodeCount, await createStores());
    owner = createVisitor(world.first.origin);
    await setUp(owner);
    await signIn(owner);
  });
  afterEach(() => world.close());

  const guessKey = (address: string, key = 'cfw_guessed') =>
    world.ask(SESSION, address, { 'X-API-Key': key });
  const probe = (address: string, path = '/.env', headers = {}) => world.ask(path, address, headers);
  async function times(count: number, work: () => Promise<unknown>): Promise<void> {
    for (let done = 0; done < count; done += 1) await work();
  }
  const isBannedEverywhere = (address: string) =>
    eventually(async () =>
      expect(await world.statuses('/auth/login', address)).toEqual(world.nodes.map(() => 403)),
    );
  const isBannedNowhere = async (address: string) =>
    expect(await world.statuses('/auth/login', address)).toEqual(world.nodes.map(() => 200));

  test('the tenth invalid API key bans its address on every node for a day', async () => {
    await times(9, () => guessKey(STRANGER));
    await isBannedNowhere(STRANGER);
    expect((await guessKey(STRANGER)).status).toBe(401);
    await isBannedEverywhere(STRANGER);
    await isBannedNowhere('203.0.113.10');

    world.clock.advance(DAY_MS - 1);
    await isBannedEverywhere(STRANGER);
    world.clock.advance(1);
    await isBannedNowhere(STRANGER);
    expect(await world.events('ban.added')).toMatchObject([
      { subject: STRANGER, reason: 'invalid_api_keys', offence: 1 },
    ]);
  });

  test('where somebody was signed in, nothing counts that a page elsewhere may have made their browser ask for', async () => {
    const cookie = { Cookie: `curfew=${owner.sessionCookie()}` };
    await times(nodeCount, async () =>
      expect((await world.ask('/dashboard', STRANGER, { ...html, ...cookie })).status).toBe(200),
    );
    await times(25, () => probe(STRANGER));
    await isBannedNowhere(STRANGER);
  });

  test('the twentieth suspicious path bans, whether it led to the sign-in page or to nothing', async () => {
    await times(10, () => probe(STRANGER, '/wp-login.php'));
    await times(9, () => probe(STRANGER, '/assets/%2egit/config'));
    await isBannedNowhere(STRANGER);
    expect((await probe(STRANGER, '/.env', html)).status).toBe(303);
    await isBannedEverywhere(STRANGER);
    expect(await world.events('ban.added')).toMatchObject([{ reason: 'suspicious_paths', offence: 1 }]);
  });

  test('however quickly it goes wrong, the request after it is refused by the node that has seen it', async () => {
    const guess = () =>
      fetch(world.first.origin + SESSION, {
        headers: { 'X-Forwarded-For': STRANGER, 'X-API-Key': 'cfw_guessed' },
      });
    await Promise.all(Array.from({ length: 10 }, guess));
    expect((await guess()).status).toBe(403);
  });

  test('what is older than the window does not count', async () => {
    await times(9, () => guessKey(STRANGER));
    world.clock.advance(DAY_MS);
    await times(9, () => guessKey(STRANGER));
    await isBannedNowhere(STRANGER);
    await guessKey(STRANGER);
    await isBannedEverywhere(STRANGER);
  });

  test('four offences in a row end in a permanent ban, and every ban but the last is over by itself', async () => {
    for (const days of [1, 2, 7]) {
      await times(10, () => guessKey(STRANGER));
      await isBannedEverywhere(STRANGER);
      world.clock.advance(days * DAY_MS - 1);
      await isBannedEverywhere(STRANGER);
      world.clock.advance(1);
      await isBannedNowhere(STRANGER);
      // As the server does every minute: what is removed is not forgotten.
      await world.first.services.bans.upkeep.tidy();
    }
    await times(10, () => guessKey(STRANGER));
    await isBannedEverywhere(STRANGER);
    world.clock.advance(1000 * DAY_MS);
    await isBannedEverywhere(STRANGER);
    const bans = await world.events('ban.added');
    expect(bans.map(({ offence }) => offence)).toEqual([1, 2, 3, 4]);
    expect(bans.at(-1)).toMatchObject({ until: 'permanent' });
    expect(await world.events('ban.expired')).toHaveLength(3);
  });

  test('typing mistakes of somebody who is signed in do not count, and neither do ordinary wrong addresses', async () => {
    const cookie = { Cookie: `curfew=${owner.sessionCookie()}` };
    await times(25, () => probe(STRANGER, '/old-page.php', cookie));
    await times(25, () => probe(STRANGER, '/dashbord'));
    await times(25, () => probe(STRANGER, '/favicon.ico'));
    await isBannedNowhere(STRANGER);
  });

  test('a page of another site cannot have its readers banned where they are signed in', async () => {
    const cookie = { Cookie: `curfew=${owner.sessionCookie()}` };
    expect((await world.ask('/dashboard', STRANGER, { ...html, ...cookie })).status).toBe(200);
    await eventually(async () => expect(await world.knownAddresses()).toContain(STRANGER));
    await times(25, () => probe(STRANGER, '/.env', { 'Sec-Fetch-Site': 'cross-site' }));
    await isBannedNowhere(STRANGER);
  });

  test.each([
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Dest': 'image', Accept: 'image/*' },
    { 'User-Agent': 'curl/8.5.0', 'X-Requested-With': 'XMLHttpRequest' },
    { Cookie: 'curfew=s%3As.someone.mf0.abc.def' },
  ])('no header that the client chooses hides a scanner: %j', async (headers) => {
    await times(20, () => probe(STRANGER, '/.env', headers));
    await isBannedEverywhere(STRANGER);
  });

  test('a scanner that sends forms of another site, or asks for methods, counts as well', async () => {
    const { origin } = world.first;
    const headers = { 'X-Forwarded-For': STRANGER, Origin: 'https://evil.example' };
    await times(10, () => fetch(`${origin}/.env`, { method: 'POST', headers }));
    await times(9, () => fetch(`${origin}/.env`, { method: 'OPTIONS', headers }));
    await isBannedNowhere(STRANGER);
    await fetch(`${origin}/.env`, { method: 'OPTIONS', headers });
    await isBannedEverywhere(STRANGER);
  });

  test('a program that goes on with a revoked key is refused and not banned', async () => {
    const { id, key } = await makeKey(owner);
    await owner.submit(`/api-keys/${id}/revocation`, {}, `/api-keys/${id}`);
    await times(12, async () => expect((await guessKey(STRANGER, key)).status).toBe(401));
    await isBannedNowhere(STRANGER);
  });

  test('a whole /64 of IPv6 is one address, and the next one is another', async () => {
    await times(10, () => guessKey(`2001:db8:1:2::${Math.floor(Math.random() * 9999)}`));
    await isBannedEverywhere('2001:db8:1:2:ffff::1');
    await isBannedNowhere('2001:db8:1:3::1');
  });

  test('a trusted address is never banned automatically', async () => {
    await owner.submit('/security/allow-list', { block: '203.0.113.0/28', note: 'Office' });
    await eventually(async () => {
      await times(12, () => guessKey('203.0.113.7'));
      await isBannedNowhere('203.0.113.7');
    });
    await times(12, () => guessKey('203.0.113.77'));
    await isBannedEverywhere('203.0.113.77');
  });

  test('thresholds that an administrator saves count at once on every node', async () => {
    const page = await owner.get('/security/thresholds');
    const patterns = /<textarea[^>]*>([^<]*)</.exec(page.text)?.[1] ?? '';
    const saved = await owner.submit('/security/thresholds', {
      keysAutomatic: 'yes',
      keysCount: '3',
      keysWindow: '1h',
      pathsCount: '20',
      pathsWindow: '24h',
      length1: '48h',
      length2: '48h',
      length3: '1w',
      length4: 'permanent',
      patterns: `${patterns}\n/made-up*`,
    });
    expect(saved.location).toBe('/security/thresholds?notice=saved');
    const { ruleStore } = world.last.services.bans;
    await eventually(async () => expect((await ruleStore.read()).thresholds.invalid_api_keys.count).toBe(3));

    await eventually(async () => {
      await times(3, () => guessKey(STRANGER));
      expect(await world.statuses('/auth/login', STRANGER)).toContain(403);
    });
    await isBannedEverywhere(STRANGER);
    world.clock.advance(2 * DAY_MS - HOUR_MS);
    await isBannedEverywhere(STRANGER);
    // Switched off: nobody is banned for paths any more.
    await times(25, () => probe('203.0.113.20', '/made-up/page'));
    await isBannedNowhere('203.0.113.20');
    expect(await world.events('thresholds.changed')).toMatchObject([
      {
        before: { thresholds: { invalid_api_keys: { count: 10 } } },
        after: { thresholds: { invalid_api_keys: { count: 3, windowMs: HOUR_MS } } },
      },
    ]);
  });
});

describe('what a banned address gets', () => {
  let world: BannedWorld;
  beforeEach(async () => {
    world = await createBannedWorld(1, {});
    await world.first.services.bans.bans.ban(
      { subject: STRANGER, note: 'A test', length: 'permanent' },
      { actor: 'asha' },
    );
  });
  afterEach(() => world.close());

  test('a short page for people, the word `banned` for programs, and nothing else', async () => {
    for (const path of ['/', '/auth/login', '/assets/curfew.css', '/metrics', '/dashboard']) {
      const answer = await world.ask(path, STRANGER, html);
      expect({ path, status: answer.status }).toEqual({ path, status: 403 });
      expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.text.length).toBeLessThan(1000);
      expect(answer.text).toContain(STRANGER);
      expect(answer.text).toContain(answer.headers.get('x-request-id'));
      const style = /<style>([\s\S]*)<\/style>/.exec(answer.text)?.[1] ?? '';
      const hash = createHash('sha256').update(style).digest('base64');
      expect(answer.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`);
    }
    const program = await world.ask(SESSION, STRANGER);
    expect({ status: program.status, ...JSON.parse(program.text) }).toMatchObject({
      status: 'error',
      error: 'banned',
    });
    expect(await sessions()).toBe(0);
  });

  test('the health probes answer it all the same', async () => {
    expect((await world.ask('/healthz', STRANGER)).status).toBe(200);
    expect((await world.ask('/readyz', STRANGER)).status).toBe(200);
  });

  test('it is counted, and not written into the log', async () => {
    await world.ask('/', STRANGER, html);
    await world.ask('/', STRANGER, html);
    const { text } = await world.ask('/metrics', '10.0.0.5');
    expect(text).toMatch(/^curfew_bans_active 1$/m);
    expect(text).toMatch(/^curfew_banned_requests_total 2$/m);
    expect(world.first.logText()).not.toContain('"status":403');
  });

  test('the same address in IPv6 clothes is the same address', async () => {
    expect((await world.ask('/', `::ffff:${STRANGER}`, html)).status).toBe(403);
  });

  async function sessions(): Promise<number> {
    const rows = await world.first.infrastructure.database.db.selectFrom('sessions').select('sid').execute();
    return rows.length;
  }
});

describe('without a trusted proxy', () => {
  test('forwarding headers change nothing: nobody else is banned by them, and nobody escapes', async () => {
    const world = await createBannedWorld(1, { TRUST_PROXY: '' });
    try {
      for (let count = 0; count < 15; count += 1) {
        const headers = { 'X-API-Key': 'cfw_guess', 'X-Real-IP': STRANGER, Forwarded: `for=${STRANGER}` };
        expect((await world.ask(SESSION, STRANGER, headers)).status).toBe(401);
      }
      // They came from this machine itself, which cannot be banned.
      expect(await world.events('ban.added')).toEqual([]);
      await world.first.services.bans.bans.ban(
        { subject: STRANGER, note: '', length: '24h' },
        { actor: 'asha' },
      );
      expect((await world.ask('/', STRANGER)).status).toBe(200);
    } finally {
      await world.close();
    }
  });
});

describe('behind a proxy that passes on what clients write', () => {
  test('what the client wrote in front is not believed', async () => {
    const world = await createBannedWorld(1, {});
    try {
      for (let count = 0; count < 10; count += 1)
        await world.ask(SESSION, `198.51.100.${count}, ${STRANGER}`, { 'X-API-Key': 'cfw_guess' });
      await eventually(async () => expect(await world.statuses('/', STRANGER)).toEqual([403]));
      expect(await world.statuses('/', '198.51.100.3')).toEqual([200]);
      for (const rubbish of ['<script>', '1', '203.0.113.9.evil', '999.1.1.1'])
        expect((await world.ask('/', rubbish)).status).toBe(200);
      expect(await world.events('ban.added')).toHaveLength(1);
    } finally {
      await world.close();
    }
  });
});

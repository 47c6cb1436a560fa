import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNoticeStore } from '../src/accounts/notices/notice-store.ts';
import { createFactorStore } from '../src/accounts/second-factor/factor-store.ts';
import { generateTotpSecret } from '../src/accounts/second-factor/totp.ts';
import { createApp } from '../src/app.ts';
import { DAY_MS } from '../src/core/duration.ts';
import { createRoutePolicies, type RoutePolicy } from '../src/http/route-policy.ts';
import { ROUTE_POLICIES } from '../src/route-policies.ts';
import { makeKey } from './api/api-client.ts';
import { makeStrategy, STRATEGY_FORM } from './strategies/trader.ts';
import { type DeclaredRoute, listRoutes } from './support/route-list.ts';
import { startTestServer, type TestServer } from './support/test-server.ts';
import { totpCode } from './support/totp-code.ts';
import { type Answer, createVisitor, PERSON, setUp, signIn, type Visitor } from './support/visitor.ts';

const ORIGIN = { actor: 'test' };
const PEOPLE = [
  'anonymous',
  'half_signed_in',
  'must_enrol',
  'viewer',
  'trader',
  'other_trader',
  'administrator',
] as const;
type Who = (typeof PEOPLE)[number];
const WITHOUT_SESSION: readonly Who[] = ['anonymous', 'half_signed_in', 'must_enrol'];

/** What a request comes to, as far as it concerns who sent it. */
type Outcome =
  | 'sign_in_first'
  | 'for_administrators'
  | 'not_for_viewers'
  | 'unknown_to_others'
  | 'reached'
  | 'failed';

const findPolicy = createRoutePolicies(ROUTE_POLICIES);

/** What belongs to the trader: to another user it is as unknown as what does not exist (ASVS 8.2.2). */
const OWNED = [
  '/strategies/:id',
  '/api-keys/:id',
  '/sessions/:deviceId',
  '/profile/passkeys/:id',
  '/profile/notices/:id',
] as const;
/** Putting away a notice that is away already is no fault, so that another user's answers alike. */
const DISMISSAL = '/profile/notices/:id/dismissal';
const prefixOf = (path: string) => OWNED.find((prefix) => path.startsWith(prefix));
const isOwned = (path: string): boolean => prefixOf(path) !== undefined && path !== DISMISSAL;

/** What the owner fills in, where a form needs anything. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>> = {
  '/strategies/:id': STRATEGY_FORM,
  '/strategies/:id/allowed-addresses': { addresses: '203.0.113.7' },
  '/strategies/:id/test-signal': { message: 'BUY' },
  '/profile/passkeys/:id/name': { name: 'Laptop' },
};

/** The declared policy: from the row of a path alone, and nothing that the server says. */
function declaredOutcome(path: string, method: string, who: Who): Outcome {
  const {
    class: routeClass = 'guarded',
    role,
    viewersToo,
  } = findPolicy(path.replaceAll(/:\w+/g, 'x')) as RoutePolicy;
  const isGuarded = routeClass === 'guarded' || routeClass === 'poll';
  if (!isGuarded) return 'reached';
  if (WITHOUT_SESSION.includes(who)) return 'sign_in_first';
  if (role === 'admin' && who !== 'administrator') return 'for_administrators';
  const changes = method === 'POST' && !viewersToo;
  if (who === 'viewer' && (role === 'user' || changes)) return 'not_for_viewers';
  return isOwned(path) && who !== 'trader' ? 'unknown_to_others' : 'reached';
}

function outcomeOf({ status, text }: Answer): Outcome {
  if (status >= 500) return 'failed';
  if (status === 401 && /"error":"(login_required|session_expired)"/.test(text)) return 'sign_in_first';
  if (status === 403 && text.includes('for administrators')) return 'for_administrators';
  if (status === 403 && text.includes('Your role is viewer')) return 'not_for_viewers';
  return 'reached';
}

describe('who may do what', () => {
  let server: TestServer;
  let routes: readonly DeclaredRoute[];
  let traderId = '';
  let ids: Readonly<Record<string, string>> = {};
  const visitors = new Map<Who, Visitor>();
  const tokens = new Map<Who, string>();

  const CREDENTIALS: Readonly<Partial<Record<Who, { username: string; password: string }>>> = {
    viewer: { username: 'vikram', password: 'long-quiet-evening-71' },
    trader: { username: 'ravi', password: 'long-quiet-evening-72' },
    other_trader: { username: 'meera', password: 'long-quiet-evening-73' },
    administrator: PERSON,
  };

  beforeAll(async () => {
    const env = { SESSION_IDLE_TIMEOUT: 'off', MAX_SESSIONS_PER_USER: '50', SECOND_FACTOR: 'admins' };
    server = await startTestServer({ env });
    routes = listRoutes(createApp(server.services));
    await setUp(createVisitor(server.origin));
    const { userAdmin } = server.services.accounts;
    for (const [who, person] of Object.entries(CREDENTIALS))
      if (person !== PERSON)
        await userAdmin.create(
          { ...person, email: `${who}@example.org`, role: who === 'viewer' ? 'viewer' : 'user' },
          ORIGIN,
        );
    traderId = (await server.services.users.findByUsername('ravi'))?.id ?? '';
    await enrol(traderId);
    await Promise.all(PEOPLE.map(enter));
    ids = Object.fromEntries(
      await Promise.all(OWNED.map(async (prefix) => [prefix, await made[prefix]()] as const)),
    );
  });
  afterAll(() => server.close());

  async function enter(who: Who): Promise<void> {
    const visitor = createVisitor(server.origin);
    const person = CREDENTIALS[who];
    if (person !== undefined) await signIn(visitor, person);
    if (who === 'trader') await showFactor(visitor);
    if (who === 'half_signed_in') await signInHalf(visitor, 'kiran', 'user', '/auth/login/totp');
    if (who === 'must_enrol') await signInHalf(visitor, 'lata', 'admin', '/auth/login/enrolment');
    visitors.set(who, visitor);
    tokens.set(who, await visitor.csrfTokenOf(person === undefined ? '/auth/login' : '/settings'));
  }

  /** The trader has one, so that what is theirs may be a passkey; each code counts once. */
  async function showFactor(visitor: Visitor): Promise<void> {
    const [code = ''] =
      (await server.services.accounts.secondFactor.renewRecoveryCodes(traderId, ORIGIN)) ?? [];
    expect((await visitor.submit('/auth/login/totp', { code })).location).toBe('/dashboard');
  }

  async function enrol(userId: string): Promise<void> {
    const secret = generateTotpSecret();
    const code = totpCode(secret);
    await server.services.accounts.secondFactor.enrol({ userId, secret }, code, ORIGIN);
  }

  /** As far as the password leads who must show a factor, or set one up. */
  async function signInHalf(
    visitor: Visitor,
    username: string,
    role: 'user' | 'admin',
    next: string,
  ): Promise<void> {
    const person = { username, email: `${username}@example.org`, password: 'long-quiet-evening-74' };
    const created = await server.services.accounts.userAdmin.create({ ...person, role }, ORIGIN);
    if (created.kind !== 'created') throw new Error(created.kind);
    if (role === 'user') await enrol(created.user.id);
    expect((await visitor.submit('/auth/login', person)).location).toContain(next);
  }

  const theTrader = () => visitors.get('trader') as Visitor;
  /** Makes one more of the trader's, and says its id. */
  const made: Readonly<Record<(typeof OWNED)[number], () => Promise<string>>> = {
    '/strategies/:id': async () => (await makeStrategy(theTrader())).id,
    '/api-keys/:id': async () => (await makeKey(theTrader())).id,
    async '/sessions/:deviceId'() {
      const { lifecycle } = server.services.sessions;
      const before = new Set((await lifecycle.devicesOf(traderId)).map(({ deviceId }) => deviceId));
      const another = createVisitor(server.origin);
      await signIn(another, CREDENTIALS.trader);
      await showFactor(another);
      const device = (await lifecycle.devicesOf(traderId)).find(({ deviceId }) => !before.has(deviceId));
      return device?.deviceId ?? '';
    },
    async '/profile/passkeys/:id'() {
      const id = randomUUID();
      await createFactorStore({ database: server.infrastructure.database, now: Date.now }).addPasskey({
        id,
        userId: traderId,
        name: 'Phone',
        publicKey: 'key',
        counter: 0,
        transports: [],
        canBeBackedUp: false,
        isBackedUp: false,
        rpId: 'localhost',
        recoveryCodeDigests: [],
      });
      return id;
    },
    async '/profile/notices/:id'() {
      const { db } = server.infrastructure.database;
      // Those of what the trader does here would push it off the page.
      await db.deleteFrom('account_notices').where('user_id', '=', traderId).execute();
      const notice = { kind: 'new_device', device: '', text: 'A phone', user_id: traderId } as const;
      const id = randomUUID();
      const times = { created_at: Date.now(), expires_at: Date.now() + DAY_MS };
      await db
        .insertInto('account_notices')
        .values({ ...notice, ...times, id })
        .execute();
      return id;
    },
  };

  /** With the trader's own ids where there are some, and otherwise with what names nothing. */
  function addressOf(path: string): string {
    const owned = Object.entries(ids).find(([prefix]) => path.startsWith(prefix));
    const start = owned === undefined ? path : path.replace(owned[0], owned[0].replace(/:\w+/, owned[1]));
    return start.replaceAll(/:\w+/g, 'x');
  }

  async function ask(
    who: Who,
    method: string,
    path: string,
    fields: (typeof FIELDS)[string] = {},
  ): Promise<Answer> {
    const visitor = visitors.get(who) as Visitor;
    const headers = { Accept: 'application/json', Origin: server.origin };
    if (method === 'GET') return visitor.get(addressOf(path), headers);
    return visitor.post(addressOf(path), { ...fields, _csrf: tokens.get(who) ?? '' }, headers);
  }

  /** Some of what is allowed ends the very session that did it, or those of others. */
  async function stayIn(who: Who): Promise<void> {
    if (CREDENTIALS[who] === undefined) return;
    const state = await (visitors.get(who) as Visitor).get('/auth/session', { Accept: 'application/json' });
    if (state.status === 401) await enter(who);
  }

  const cells = () =>
    routes.flatMap(({ path, methods }) =>
      methods
        .filter((method) => method === 'GET' || method === 'POST')
        .flatMap((method) => PEOPLE.map((who) => ({ path, method, who }))),
    );

  it('is refused as the row of each mounted route declares', { timeout: 240_000 }, async () => {
    const refused = cells().filter(({ path, method, who }) =>
      ['sign_in_first', 'for_administrators', 'not_for_viewers'].includes(declaredOutcome(path, method, who)),
    );
    expect(refused.length).toBeGreaterThan(300);
    const wrong: string[] = [];
    for (const { path, method, who } of refused) {
      const outcome = outcomeOf(await ask(who, method, path));
      const declared = declaredOutcome(path, method, who);
      if (outcome !== declared) wrong.push(`${who} ${method} ${path}: ${outcome} instead of ${declared}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is as unknown as what does not exist where it belongs to another user, and open to its owner', {
    timeout: 120_000,
  }, async () => {
    const owned = cells().filter(({ path, who }) => isOwned(path) && who === 'trader');
    expect(owned.length).toBeGreaterThan(15);
    const wrong: string[] = [];
    for (const { path, method } of owned) {
      // Each has one of its own: many a form ends what it is sent to.
      await stayIn('trader');
      const prefix = prefixOf(path) as (typeof OWNED)[number];
      ids = { ...ids, [prefix]: await made[prefix]() };
      for (const who of ['viewer', 'other_trader', 'administrator'] as const) {
        if (declaredOutcome(path, method, who) !== 'unknown_to_others') continue;
        const { status } = await ask(who, method, path, FIELDS[path]);
        if (status !== 404) wrong.push(`${who} ${method} ${path}: ${status}`);
      }
      const { status, text } = await ask('trader', method, path, FIELDS[path]);
      if (status >= 400) wrong.push(`trader ${method} ${path}: ${status} ${text.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
  });

  it('leaves the notices of another user where they are', async () => {
    await stayIn('trader');
    const id = await made['/profile/notices/:id']();
    ids = { ...ids, '/profile/notices/:id': id };
    const isThere = async () =>
      (await createNoticeStore(server.infrastructure.database).listOf(traderId, Date.now())).some(
        (notice) => notice.id === id,
      );
    for (const who of ['viewer', 'other_trader', 'administrator', 'trader'] as const) {
      expect(await isThere(), who).toBe(true);
      await ask(who, 'POST', DISMISSAL);
    }
    expect(await isThere()).toBe(false);
  });

  it('is reached by whom the row lets in', { timeout: 240_000 }, async () => {
    const reached = cells().filter(
      ({ path, method, who }) => declaredOutcome(path, method, who) === 'reached',
    );
    expect(reached.length).toBeGreaterThan(300);
    const wrong: string[] = [];
    for (const { path, method, who } of reached) {
      await stayIn(who);
      const outcome = outcomeOf(await ask(who, method, path));
      // The API has keys of its own, and a page for anyone may still lead to the sign-in page.
      const isOpen = findPolicy(path.replaceAll(/:\w+/g, 'x')).class !== undefined;
      if (outcome !== 'reached' && !(isOpen && outcome === 'sign_in_first'))
        wrong.push(`${who} ${method} ${path}: ${outcome}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is declared for each mounted route, and every form of a trader is kept from viewers', () => {
    const kept = routes.filter(
      ({ path, methods }) =>
        methods.includes('POST') && declaredOutcome(path, 'POST', 'viewer') === 'not_for_viewers',
    );
    expect(kept.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/broker/:broker/connection', '/strategies', '/api-keys', '/telegram/bot']),
    );
    const own = ROUTE_POLICIES.filter(({ viewersToo }) => viewersToo).map(({ path }) => path);
    expect(own.every((path) => /^\/(auth|sessions|settings|profile|api-keys)\b/.test(path))).toBe(true);
  });
});

import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTotpSecret } from '../src/accounts/second-factor/totp.ts';
import { createApp } from '../src/app.ts';
import { createRoutePolicies, type RoutePolicy } from '../src/http/route-policy.ts';
import { ROUTE_POLICIES } from '../src/route-policies.ts';
import { makeKey } from './api/api-client.ts';
import { type DeclaredRoute, listRoutes } from './support/route-list.ts';
import { startTestServer, type TestServer } from './support/test-server.ts';
import { type Answer, createVisitor, PERSON, setUp, signIn, type Visitor } from './support/visitor.ts';

const ORIGIN = { actor: 'test' };
const PEOPLE = ['anonymous', 'half_signed_in', 'viewer', 'trader', 'other_trader', 'administrator'] as const;
type Who = (typeof PEOPLE)[number];

/** What a request comes to, as far as it concerns who sent it. */
type Outcome = 'sign_in_first' | 'for_administrators' | 'not_for_viewers' | 'unknown_to_others' | 'reached';

const findPolicy = createRoutePolicies(ROUTE_POLICIES);

/** What belongs to the trader: to anybody else it is as unknown as what does not exist (ASVS 8.2.2). */
const OWNED = [/^\/strategies\/:id/, /^\/api-keys\/:id/, /^\/sessions\/:deviceId\/revocation$/];
const isOwned = (path: string): boolean => OWNED.some((pattern) => pattern.test(path));

/** The declared policy: from the row of a path alone, and nothing that the server says. */
function declaredOutcome(path: string, method: string, who: Who): Outcome {
  const {
    class: routeClass = 'guarded',
    role,
    viewersToo,
  } = findPolicy(path.replaceAll(/:\w+/g, 'x')) as RoutePolicy;
  const isGuarded = routeClass === 'guarded' || routeClass === 'poll';
  if (!isGuarded) return 'reached';
  if (who === 'anonymous' || who === 'half_signed_in') return 'sign_in_first';
  if (role === 'admin' && who !== 'administrator') return 'for_administrators';
  const changes = method === 'POST' && !viewersToo;
  if (who === 'viewer' && (role === 'user' || changes)) return 'not_for_viewers';
  return isOwned(path) && who !== 'trader' ? 'unknown_to_others' : 'reached';
}

function outcomeOf({ status, text }: Answer): Outcome {
  if (status === 401 && /"error":"(login_required|session_expired)"/.test(text)) return 'sign_in_first';
  if (status === 403 && text.includes('for administrators')) return 'for_administrators';
  if (status === 403 && text.includes('Your role is viewer')) return 'not_for_viewers';
  return 'reached';
}

describe('who may do what', () => {
  let server: TestServer;
  let routes: readonly DeclaredRoute[];
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
    server = await startTestServer({ env: { SESSION_IDLE_TIMEOUT: 'off', MAX_SESSIONS_PER_USER: '50' } });
    routes = listRoutes(createApp(server.services));
    await setUp(createVisitor(server.origin));
    const { userAdmin } = server.services.accounts;
    for (const [who, person] of Object.entries(CREDENTIALS))
      if (person !== PERSON)
        await userAdmin.create(
          { ...person, email: `${who}@example.org`, role: who === 'viewer' ? 'viewer' : 'user' },
          ORIGIN,
        );
    await Promise.all(PEOPLE.map(enter));
    ids = await whatTheTraderHas();
  });
  afterAll(() => server.close());

  async function enter(who: Who): Promise<void> {
    const visitor = createVisitor(server.origin);
    const person = CREDENTIALS[who];
    if (person !== undefined) await signIn(visitor, person);
    if (who === 'half_signed_in') await signInHalf(visitor);
    visitors.set(who, visitor);
    tokens.set(who, await visitor.csrfTokenOf(person === undefined ? '/auth/login' : '/settings'));
  }

  async function signInHalf(visitor: Visitor): Promise<void> {
    const { userAdmin, secondFactor } = server.services.accounts;
    const person = { username: 'kiran', email: 'kiran@example.org', password: 'long-quiet-evening-74' };
    const made = await userAdmin.create({ ...person, role: 'user' }, ORIGIN);
    if (made.kind !== 'created') throw new Error(made.kind);
    const secret = generateTotpSecret();
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
    await secondFactor.enrol({ userId: made.user.id, secret }, code, ORIGIN);
    const { location } = await visitor.submit('/auth/login', person);
    expect(location).toContain('/auth/login/totp');
  }

  async function whatTheTraderHas(): Promise<Readonly<Record<string, string>>> {
    const trader = visitors.get('trader') as Visitor;
    const { id: key } = await makeKey(trader);
    const { db } = server.infrastructure.database;
    const { user_id } = await db.selectFrom('api_keys').select('user_id').executeTakeFirstOrThrow();
    const [device] = await server.services.sessions.lifecycle.devicesOf(user_id);
    return { '/api-keys/:id': key, '/sessions/:deviceId': device?.deviceId ?? '' };
  }

  /** With the trader's own ids where there are some, and otherwise with what names nothing. */
  function addressOf(path: string): string {
    const owned = Object.entries(ids).find(([prefix]) => path.startsWith(prefix));
    const start = owned === undefined ? path : path.replace(owned[0], owned[0].replace(/:\w+/, owned[1]));
    return start.replaceAll(/:\w+/g, 'x');
  }

  async function ask(who: Who, method: string, path: string): Promise<Answer> {
    const visitor = visitors.get(who) as Visitor;
    const headers = { Accept: 'application/json', Origin: server.origin };
    if (method === 'GET') return visitor.get(addressOf(path), headers);
    return visitor.post(addressOf(path), { _csrf: tokens.get(who) ?? '' }, headers);
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

  it('is as unknown as what does not exist where it belongs to another user', {
    timeout: 60_000,
  }, async () => {
    const owned = cells().filter(
      ({ path, method, who }) => declaredOutcome(path, method, who) === 'unknown_to_others',
    );
    expect(owned.length).toBeGreaterThan(20);
    for (const { path, method, who } of owned)
      expect((await ask(who, method, path)).status, `${who} ${method} ${path}`).toBe(404);
    const key = await ask('trader', 'GET', '/api-keys/:id');
    expect(key.status).toBe(200);
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

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { STRATEGY_FORM } from '../strategies/trader.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { type HeldAnswer, holdRequest } from '../support/held-request.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';

const WAYS_TO_RUN = {
  'on SQLite': async () => ({}),
  'on Redis and Postgres': async () => ({
    DATABASE_URL: await createPostgresDatabase(),
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
  }),
} as const;

const MORNING = '2026-11-23T10:00:00+05:30';

const SETTINGS = {
  theme: 'dark',
  dateFormat: 'iso',
  alertMinutes: '5',
  idleTimeout: 'server',
  defaultBroker: 'server',
};

/** Forms that change something, and the page that each stands on. */
const ACTS = {
  'an API key': ['/api-keys', '/api-keys/new', { name: 'mine', scopes: 'broker:token', expiry: 'never' }],
  'a strategy': ['/strategies', '/strategies/new', STRATEGY_FORM],
  'an administrator': [
    '/users',
    '/users/new',
    { username: 'mallory', email: 'm@example.org', role: 'admin' },
  ],
  'a setting': ['/settings', '/settings', SETTINGS],
  'a connection to a broker': ['/broker/sandbox/connection', '/broker', {}],
} as const satisfies Record<
  string,
  readonly [string, string, Readonly<Record<string, string | readonly string[]>>]
>;

/** What a session made or changed would stand in one of these. */
const TABLES = ['api_keys', 'strategies', 'users', 'user_settings', 'broker_authorizations'] as const;

describe.each(Object.entries(WAYS_TO_RUN))('A request held back %s', (_name, environment) => {
  let clock: SettableClock;
  let server: TestServer;
  let first: Visitor;
  let second: Visitor;

  beforeAll(async () => {
    clock = createSettableClock(MORNING);
    server = await startTestServer({ clock, env: { ...(await environment()), SESSION_IDLE_TIMEOUT: '30m' } });
    await setUp(createVisitor(server.origin));
  });
  afterAll(() => server.close());

  beforeEach(async () => {
    await server.services.accounts.userAdmin.enable(PERSON.username, SYSTEM_ORIGIN);
    [first, second] = [createVisitor(server.origin), createVisitor(server.origin)];
    await signIn(first);
    await signIn(second);
  });

  /** What the acts would have left behind. */
  const written = async (): Promise<string> => {
    const rows = await Promise.all(
      TABLES.map((table) => server.infrastructure.database.db.selectFrom(table).selectAll().execute()),
    );
    return JSON.stringify(rows, (name, value) =>
      name === 'password_hash' || name === 'disabled' ? undefined : value,
    );
  };

  async function hold(act: keyof typeof ACTS) {
    const [path, page, fields] = ACTS[act];
    // Another value than the stored one, so that a change that should not be is seen.
    const other = act === 'a setting' && (await written()).includes('dark') ? { theme: 'light' } : {};
    const token = await first.csrfTokenOf(page);
    const body = new URLSearchParams(
      Object.entries<string | readonly string[]>({ ...fields, ...other, _csrf: token }).flatMap(
        ([name, value]) => [value].flat().map((each): [string, string] => [name, each]),
      ),
    );
    const headers = { Accept: 'text/html', Origin: server.origin, Cookie: `curfew=${first.sessionCookie()}` };
    const request = await holdRequest(server.origin, { path, headers, body: body.toString() });
    // The session was found to be good before it ends.
    await sleep(30);
    return request;
  }

  const lookedLike = ({ status, headers }: HeldAnswer): string =>
    `${status} ${/^location: (\S+)/im.exec(headers)?.[1]?.split('&')[0]}`;

  const userId = async () => (await server.services.accounts.users.findByUsername(PERSON.username))?.id ?? '';

  const ENDINGS: Readonly<Record<string, { readonly end: () => Promise<unknown>; readonly reason: string }>> =
    {
      'it was signed out': { end: () => first.submit('/auth/logout', {}), reason: 'revoked' },
      'it was signed out everywhere by another device': {
        end: () => second.submit('/auth/logout', { everywhere: 'yes' }),
        reason: 'revoked',
      },
      'an administrator ended everything of the user': {
        end: async () =>
          server.services.sessions.lifecycle.endAccount(await userId(), 'ended_by_admin', SYSTEM_ORIGIN),
        reason: 'revoked',
      },
      'the password was reset': {
        end: () =>
          server.services.accounts.userAdmin.resetPassword(PERSON.username, PERSON.password, SYSTEM_ORIGIN),
        reason: 'revoked',
      },
      'the cutoff passed': {
        async end() {
          clock.set(server.infrastructure.calendar.next());
        },
        reason: 'cutoff',
      },
      'the cutoff passed and was swept': {
        async end() {
          clock.set(server.infrastructure.calendar.next());
          await server.services.revocation.sweep.runIfDue();
        },
        reason: 'cutoff',
      },
      'it was idle': {
        async end() {
          clock.advance(31 * MINUTE_MS);
          await server.services.sessions.idleWatch.run();
        },
        reason: 'idle',
      },
    };

  describe.each(Object.keys(ACTS) as (keyof typeof ACTS)[])('that would make or change %s', (act) => {
    it('is carried out while its session lives', async () => {
      const before = await written();
      expect([200, 201, 303]).toContain((await (await hold(act)).finish()).status);
      expect(await written()).not.toBe(before);
    });

    it.each(Object.keys(ENDINGS))('changes nothing after %s', async (name) => {
      const ending = ENDINGS[name];
      if (ending === undefined) throw new Error(name);
      const request = await hold(act);
      await ending.end();
      const before = await written();
      expect(lookedLike(await request.finish())).toBe(`303 /auth/login?reason=${ending.reason}`);
      expect(await written()).toBe(before);
    });
  });

  it('by a demoted administrator makes no other one', async () => {
    const { userAdmin } = server.services.accounts;
    const another = { username: `other-${clock.now()}`, email: 'o@example.org', role: 'admin' } as const;
    await userAdmin.create(another, SYSTEM_ORIGIN);
    const request = await hold('an administrator');
    await userAdmin.changeRole(PERSON.username, 'user', SYSTEM_ORIGIN);
    const before = await written();
    try {
      expect((await request.finish()).status).toBe(403);
      expect(await written()).toBe(before);
    } finally {
      await userAdmin.changeRole(PERSON.username, 'admin', SYSTEM_ORIGIN);
    }
  });
});

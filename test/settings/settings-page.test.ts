import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createFakeBroker } from '../broker/fake-broker.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase, startRedis } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MINUTE_MS = 60_000;
const USUAL = {
  theme: 'system',
  dateFormat: 'words',
  alertMinutes: '5',
  idleTimeout: 'server',
  defaultBroker: 'server',
};

describe('the settings page', () => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const one = createFakeBroker(clock, { id: 'one', name: 'Broker One' });
    const two = createFakeBroker(clock, { id: 'two', name: 'Broker Two' });
    server = await startTestServer({ clock, adapters: [one.adapter, two.adapter] });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const save = (changes: Readonly<Record<string, string>>) =>
    visitor.submit('/settings', { ...USUAL, ...changes });
  const html = async (path: string, who = visitor) => (await who.get(path)).text;
  const auditedChanges = async () => {
    const rows = await server.infrastructure.database.db
      .selectFrom('audit_log')
      .select('detail')
      .where('type', '=', 'settings.changed')
      .orderBy('id')
      .execute();
    return rows.map(({ detail }) => (JSON.parse(detail) as { what: string[] }).what);
  };

  it('is for those who are signed in', async () => {
    const stranger = createVisitor(server.origin);
    expect((await stranger.get('/settings')).location).toContain('reason=login_required');
    expect((await stranger.post('/settings', USUAL)).status).toBe(303);
    expect((await visitor.post('/settings', USUAL)).status).toBe(403);
    const put = await fetch(`${server.origin}/settings`, { method: 'PUT' });
    expect(put.status).not.toBe(200);
  });

  it('keeps what was chosen, and writes down what changed', async () => {
    const answer = await save({ theme: 'dark', alertMinutes: '15' });
    expect(answer.location).toBe('/settings?notice=saved');
    const page = await html('/settings?notice=saved');
    expect(page).toMatch(/value="dark" checked/);
    expect(page).toMatch(/<option value="15" selected>/);
    expect(page).toContain('Saved.');
    await save({ theme: 'dark', alertMinutes: '15' });
    await save({ theme: 'dark', alertMinutes: '0' });
    expect(await auditedChanges()).toEqual([['theme', 'alertMinutes'], ['alertMinutes']]);
  });

  it('puts the theme on every page from the first byte on, also where nobody is signed in any more', async () => {
    expect(await html('/dashboard')).toContain('<html lang="en" data-theme="system"');
    await save({ theme: 'dark' });
    for (const path of ['/dashboard', '/broker', '/nothing-here', '/auth/logout']) {
      const page = await html(path);
      expect(page, path).toContain('<html lang="en" data-theme="dark"');
      expect(page, path).toContain('<meta name="color-scheme" content="dark">');
    }
    await visitor.submit('/auth/logout', {}, '/auth/logout');
    for (const path of ['/', '/auth/login']) expect(await html(path)).toContain('data-theme="dark"');
    expect(await html('/', createVisitor(server.origin))).toContain('data-theme="system"');
  });

  it('believes no theme that is none, whatever a cookie says', async () => {
    const page = await fetch(server.origin, { headers: { cookie: 'curfew-theme="><script>' } });
    expect(await page.text()).toContain('data-theme="system"');
  });

  it('are read from a cache that /metrics counts, and that is empty after signing out', async () => {
    for (let each = 0; each < 3; each += 1) await html('/nothing-here');
    const metrics = (await visitor.get('/metrics')).text;
    expect(metrics).toContain('curfew_cache_lookups_total{cache="settings",result="miss"} 1\n');
    expect(metrics).toMatch(/curfew_cache_lookups_total\{cache="settings",result="hit"\} [1-9]/);
    expect(metrics).toContain('curfew_cache_entries{cache="settings"} 1\n');
    await visitor.submit('/auth/logout', {}, '/auth/logout');
    expect((await visitor.get('/metrics')).text).toContain('curfew_cache_entries{cache="settings"} 0\n');
  });

  it('writes the dates of the pages as was chosen', async () => {
    expect(await html('/dashboard')).toContain('Tue 24 Nov 2026, 03:00:00 IST');
    await save({ dateFormat: 'iso' });
    const page = await html('/dashboard');
    expect(page).toContain('2026-11-24, 03:00:00 IST');
    expect(page).toContain('data-date-format="iso"');
    expect(page).not.toContain('24 Nov');
    await save({ dateFormat: 'numbers' });
    expect(await html('/sessions')).toContain('23/11/2026, 10:00:00 IST');
  });

  it('puts the first broker first on the dashboard', async () => {
    const order = async () =>
      [...(await html('/dashboard')).matchAll(/Broker (One|Two)<\/h3>/g)].map(([, n]) => n);
    expect(await order()).toEqual(['One', 'Two']);
    await save({ defaultBroker: 'two' });
    expect(await order()).toEqual(['Two', 'One']);
  });

  it('warns from the chosen time before the cutoff on, without a script', async () => {
    const isWarned = async () =>
      /<section class="session-strip is-warning"[^>]*data-alert-minutes="15">/.test(await html('/dashboard'));
    await save({ alertMinutes: '15', idleTimeout: 'server' });
    server.infrastructure.policy.replace({ ...server.infrastructure.policy.current(), idleTimeoutMs: 'off' });
    clock.set('2026-11-24T02:44:59.999+05:30');
    expect(await isWarned()).toBe(false);
    clock.set('2026-11-24T02:45:00+05:30');
    expect(await isWarned()).toBe(true);
    expect(await html('/dashboard')).toContain('This session ends at 03:00 IST.');
    await save({ alertMinutes: '0' });
    expect(await html('/dashboard')).not.toContain('is-warning');
  });

  it('says what is wrong and changes nothing', async () => {
    for (const wrong of [
      { theme: 'sepia' },
      { dateFormat: '' },
      { alertMinutes: '7' },
      { idleTimeout: '30m' },
      { idleTimeout: '1m' },
      { idleTimeout: '8h' },
      { defaultBroker: 'three' },
      { defaultBroker: '__proto__' },
    ]) {
      const answer = await save(wrong);
      expect(answer.status, JSON.stringify(wrong)).toBe(400);
      expect(answer.text).toContain('Please correct this');
    }
    expect((await visitor.post('/settings', {}, { Accept: 'application/json' })).status).toBe(403);
    expect(await auditedChanges()).toEqual([]);
    expect(await server.infrastructure.database.db.selectFrom('user_settings').selectAll().execute()).toEqual(
      [],
    );
  });

  it('says when the server’s own limit has become the shorter one', async () => {
    await save({ idleTimeout: '15m' });
    expect(await html('/settings')).not.toContain('server’s limit is');
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      idleTimeoutMs: 10 * MINUTE_MS,
    });
    const page = await html('/settings');
    expect(page).toContain('The server’s limit is 10 min now');
    expect(page).toMatch(/<option value="15m" selected>/);
    expect(await html('/dashboard')).toContain('<strong>10 min</strong>');
  });

  it('shows pages in the usual colours rather than none when the database is away', async () => {
    await save({ theme: 'dark' });
    await html('/settings');
    server.services.caches.clearAll();
    const { db } = server.infrastructure.database;
    await db.schema.alterTable('user_settings').renameTo('hidden_settings').execute();
    const page = await visitor.get('/nothing-here');
    expect(page.status).toBe(404);
    // Its cookie still knows.
    expect(page.text).toContain('data-theme="dark"');
    await db.schema.alterTable('hidden_settings').renameTo('user_settings').execute();
  });
});

const PLACES = [
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  [
    'Redis',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

describe.each(PLACES)('an idle limit of one’s own, on %s', (_name, env) => {
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: await env() });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(() => server.close());

  const choose = (idleTimeout: string, who = visitor) => who.submit('/settings', { ...USUAL, idleTimeout });
  const deadline = async (who = visitor) =>
    ((await who.get('/auth/session', { Accept: 'application/json' })).body as { idleDeadline: string | null })
      .idleDeadline;

  it('counts at once for all that the person has open, and for what they open later', async () => {
    const other = createVisitor(server.origin);
    await signIn(other);
    expect(await deadline(other)).toBe('2026-11-23T10:30:00.000+05:30');
    await choose('10m');
    expect(await deadline()).toBe('2026-11-23T10:10:00.000+05:30');
    expect(await deadline(other)).toBe('2026-11-23T10:10:00.000+05:30');
    const third = createVisitor(server.origin);
    await signIn(third);
    expect(await deadline(third)).toBe('2026-11-23T10:10:00.000+05:30');
    clock.advance(10 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(3);
    for (const who of [visitor, other, third])
      expect((await who.get('/dashboard')).location).toContain('reason=idle');
  });

  it('moves nobody else’s', async () => {
    const person = { username: 'ravi', email: 'ravi@example.org', password: 'another-quiet-harbour-77' };
    await server.services.accounts.userAdmin.create({ ...person, role: 'user' }, { actor: 'test' });
    const ravi = createVisitor(server.origin);
    await signIn(ravi, person);
    await choose('10m');
    expect(await deadline(ravi)).toBe('2026-11-23T10:30:00.000+05:30');
    clock.advance(10 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(1);
    expect((await ravi.get('/dashboard')).status).toBe(200);
  });

  it('ends with the choice', async () => {
    await choose('10m');
    await choose('server');
    clock.advance(10 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(0);
    expect((await visitor.get('/dashboard')).status).toBe(200);
  });

  it('can be longer than the server’s in the row, and is not in force then', async () => {
    await choose('15m');
    server.infrastructure.policy.replace({
      ...server.infrastructure.policy.current(),
      idleTimeoutMs: 10 * MINUTE_MS,
    });
    await server.infrastructure.sessionStorage.registry.applyPolicy();
    clock.advance(10 * MINUTE_MS);
    expect(await server.services.sessions.idleWatch.run()).toBe(1);
  });
});

describe('an idle limit of one’s own, when Redis comes back without it', () => {
  it('is given again before long', async () => {
    const redis = await startRedis();
    const server = await startTestServer({ env: { REDIS_URL: redis.url }, jobs: true });
    const client = new Redis(redis.url);
    const visitor = createVisitor(server.origin);
    const ownLimits = async () => Object.values(await client.hgetall('curfew:sessions:own-idle'));
    try {
      await setUp(visitor);
      await signIn(visitor);
      await visitor.submit('/settings', { ...USUAL, idleTimeout: '10m' });
      expect(await ownLimits()).toEqual([String(10 * MINUTE_MS)]);
      await client.del('curfew:sessions:own-idle', 'curfew:sessions:by-own-deadline');
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await eventually(async () => expect(await ownLimits()).toEqual([String(10 * MINUTE_MS)]));
    } finally {
      client.disconnect();
      await server.close();
      await redis.stop();
    }
  });
});

describe('settings on two nodes', () => {
  it('are the same on the other one at the next page, and their idle limit holds there', async () => {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    const env = {
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    };
    const nodes = await Promise.all([startTestServer({ clock, env }), startTestServer({ clock, env })]);
    const [here, there] = nodes.map(({ origin }) => createVisitor(origin)) as [Visitor, Visitor];
    try {
      await setUp(here);
      await signIn(here);
      there.useSessionCookie(here.sessionCookie());
      expect((await there.get('/dashboard')).text).toContain('data-theme="system"');
      await here.submit('/settings', { ...USUAL, theme: 'dark', idleTimeout: '5m' });
      await eventually(async () =>
        expect((await there.get('/dashboard')).text).toContain('data-theme="dark"'),
      );
      clock.advance(5 * MINUTE_MS);
      expect(await nodes[1]?.services.sessions.idleWatch.run()).toBe(1);
      expect((await here.get('/dashboard')).location).toContain('reason=idle');
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
    }
  });
});

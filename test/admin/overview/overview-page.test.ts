import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOfIstHour } from '../../../src/core/ist.ts';
import { type BannedWorld, createBannedWorld, WAYS_TO_RUN } from '../../bans/banned-world.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../../support/visitor.ts';

const SCRIPT = { 'X-Requested-With': 'fetch', Accept: '*/*' };

describe.each(WAYS_TO_RUN)('the overview, %s', (_name, nodes, env) => {
  let world: BannedWorld;
  let admin: Visitor;

  beforeAll(async () => {
    world = await createBannedWorld(nodes, { SESSION_EXPIRY_TIME: '03:00', ...(await env()) });
    admin = createVisitor(world.first.origin);
    await setUp(admin);
    await signIn(admin);
  });
  afterAll(() => world.close());

  const page = async (path = '/security') => (await admin.get(path)).text;
  const live = async (query = '') => (await admin.get(`/security/live${query}`, SCRIPT)).text;
  /** The text of a part of the page that changes. */
  function part(html: string, id: string): string {
    const [, rest = ''] = html.split(`id="${id}" data-live>`);
    return (rest.split(/<\/(?:p|span|div)>\s/)[0] ?? '').replace(/<[^>]+>/g, '').trim();
  }

  it('tells how things stand, and links to what is behind each figure', async () => {
    const html = await page();
    expect(part(html, 'tile-sessions-value')).toBe('1');
    expect(part(html, 'tile-sessions-detail')).toBe('of 1 person');
    expect(part(html, 'tile-brokers-value')).toBe('0');
    expect(part(html, 'tile-cutoff-value')).toBe('17 h');
    expect(part(html, 'tile-cutoff-detail')).toContain('24 Nov, 03:00 IST');
    expect(part(html, 'tile-banned-value')).toBe('0');
    expect(part(html, 'tile-waiting-value')).toBe('0');
    // The clock of the test is another one than that of Redis, and the page says so.
    const isClockWrong = world.first.infrastructure.redis !== undefined;
    expect(part(html, 'tile-parts-value')).toBe(isClockWrong ? '⚠ Not healthy' : 'Healthy');
    expect(part(html, 'worries')).toContain(
      isClockWrong ? 'Clock, compared with Redis’s: not healthy.' : 'Nothing needs your attention.',
    );
    for (const href of [
      '/security/sessions',
      '/security/sessions/revocation',
      '/security/bans',
      '/security/bans/new',
      '/security/thresholds',
      '/security/audit',
      '/security/receipts',
      '/security/traffic',
      '/security/load',
      '/users',
    ])
      expect(html, href).toMatch(new RegExp(`href="${href}[?"]`));
  });

  it('follows what happens', async () => {
    await connectSandbox(admin);
    await admin.submit(
      '/security/bans',
      { address: '203.0.113.9', length: '24h', note: '', confirmed: 'yes' },
      '/security/bans/new',
    );
    await createVisitor(world.first.origin).submit('/auth/login', { username: 'asha', password: 'wrong' });
    const html = await live();
    expect(part(html, 'tile-brokers-value')).toBe('1');
    expect(part(html, 'tile-brokers-detail')).toMatch(/^Practice Broker 1$/i);
    expect(part(html, 'tile-banned-value')).toBe('1');
    expect(html).not.toContain('chart');
    const charts = await live('?charts=1');
    expect(charts).toMatch(/Signed in <strong>1<\/strong>/);
    expect(charts).toMatch(/Wrong name, password or code <strong>1<\/strong>/);
    expect(charts).toMatch(/By hand <strong>1<\/strong>/);
  });

  it('has one grid of charts, of 24 hours or of 30 days, and folds those without figures', async () => {
    const html = await page();
    expect(html).toContain('sign-ins-by-hour');
    expect(html).not.toContain('sign-ins-by-day');
    expect(html).toMatch(/<strong>Sessions ended<\/strong>: none\./);
    expect(html).not.toContain('id="endings-by-hour-drawing"');
    const month = await page('/security?span=30d');
    expect(month).toContain('sign-ins-by-day');
    expect(month).toMatch(/href="\/security\?span=30d" aria-current="page"/);
    expect(await live('?charts=1&span=30d')).toContain('sign-ins-by-day');
  });

  it('says what needs attention', async () => {
    const { db } = world.first.infrastructure.database;
    const now = world.clock.now();
    await db
      .updateTable('audit_checks')
      .set({ checked_at: now - 3_600_000 })
      .execute();
    expect(part(await live(), 'tile-chain-value')).toBe('Verified');
    expect(part(await live(), 'tile-chain-detail')).toBe('1 h ago');
    await db.updateTable('audit_checks').set({ problem: 'Row 7 does not fit.' }).execute();
    await db
      .insertInto('revocations')
      .values({
        id: 'order',
        dedupe_key: null,
        user_id: null,
        reason: 'logged_out',
        scope: '{"kind":"device","userId":"nobody","sids":[]}',
        ordered_at: now - 60_000,
        receipt: '',
        status: 'open',
        attempts: 1,
        next_attempt_at: now + 60_000,
        holder: null,
      })
      .execute();
    const html = await live();
    expect(html).toContain('The audit log was tampered with. Row 7 does not fit.');
    expect(html).toContain('1 revocation is pending.');
    expect(part(html, 'tile-waiting-value')).toContain('1');
    expect(html).not.toContain('Nothing needs your attention');
    await db.updateTable('audit_checks').set({ problem: null }).execute();
    await db.deleteFrom('revocations').where('id', '=', 'order').execute();
  });

  it('reads the hours of the traffic log', async () => {
    const { db } = world.first.infrastructure.database;
    const hour = startOfIstHour(world.clock.now());
    const counts = { requests: 4321, not_found: 17, client_errors: 5, server_errors: 3 };
    const buckets = { b0: 4321, b1: 0, b2: 0, b3: 0, b4: 0, b5: 0, b6: 0, b7: 0, b8: 0, b9: 0 };
    await db.deleteFrom('traffic_hours').execute();
    await db
      .insertInto('traffic_hours')
      .values({ hour, route_class: 'api', ...counts, ...buckets })
      .execute();
    const html = await live('?charts=1');
    expect(html).toMatch(/Successful <strong>4,296<\/strong>/);
    expect(html).toMatch(/404 not found <strong>17<\/strong>/);
    expect(html).toMatch(/p99 <strong>5 ms<\/strong>/);
  });

  it('is for administrators, and its script is told when the session is over', async () => {
    const stranger = createVisitor(world.first.origin);
    expect((await stranger.get('/security')).location).toContain('/auth/login');
    expect((await stranger.get('/security/live', SCRIPT)).status).toBe(401);
    const { db } = world.first.infrastructure.database;
    await db.updateTable('users').set({ role: 'user' }).where('username', '=', 'asha').execute();
    expect((await admin.get('/security')).status).toBe(403);
    expect((await admin.get('/security/live', SCRIPT)).status).toBe(403);
    await db.updateTable('users').set({ role: 'admin' }).where('username', '=', 'asha').execute();
  });

  it('leads to the page whoever opens what its script asks for', async () => {
    expect((await admin.get('/security/live')).location).toBe('/security');
  });
});

describe('watching the overview', () => {
  it('counts as doing nothing', async () => {
    const world = await createBannedWorld(1, { SESSION_IDLE_TIMEOUT: '10m' });
    try {
      const admin = createVisitor(world.first.origin);
      await setUp(admin);
      await signIn(admin);
      for (let minute = 0; minute < 9; minute += 1) {
        world.clock.advance(60_000);
        expect((await admin.get('/security/live', SCRIPT)).status).toBe(200);
      }
      world.clock.advance(60_000);
      expect((await admin.get('/security/live', SCRIPT)).status).toBe(401);
    } finally {
      await world.close();
    }
  });
});

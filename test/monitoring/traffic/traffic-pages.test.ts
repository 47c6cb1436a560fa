import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../../src/core/duration.ts';
import { createTrafficStore } from '../../../src/monitoring/traffic/traffic-store.ts';
import { eventually } from '../../support/eventually.ts';
import { createVisitor } from '../../support/visitor.ts';
import { trafficEntry } from './traffic-entries.ts';
import { createTrafficWorld, OTHER, type TrafficWorld } from './traffic-world.ts';

const TRAFFIC = '/security/traffic';

describe('the traffic pages', () => {
  let world: TrafficWorld;
  let now: number;
  beforeAll(async () => {
    world = await createTrafficWorld(1, { TRAFFIC_LOG_ADDRESSES: 'full', SESSION_IDLE_TIMEOUT: '30m' });
    now = world.clock.now();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    await world.flush();
    await world.first.infrastructure.database.db.deleteFrom('traffic_log').execute();
  });

  const put = (...entries: Parameters<typeof trafficEntry>[0][]) =>
    createTrafficStore(world.first.infrastructure.database).write({
      entries: entries.map((entry) => trafficEntry({ at: now - HOUR_MS, ...entry })),
      hours: [],
    });
  const page = async (query = '') => (await world.admin.get(TRAFFIC + query)).text;
  const pathsOf = (text: string) =>
    [...text.matchAll(/<code data-part="path">([^<]+)</g)].map(([, path]) => path);
  const pathsFor = async (query: string) => pathsOf(await page(query));
  const idOf = async (username: string) => {
    const people = await world.first.services.accounts.userAdmin.list();
    return people.find((person) => person.username === username)?.id ?? '';
  };

  test.each(['', '/tail', '/export.csv', '/0b5b3a58-1111-4222-8333-9f9f9f9f9f9f'])(
    '%j is for administrators, and only to be read',
    async (path) => {
      expect((await world.person.get(TRAFFIC + path)).status).toBe(403);
      const stranger = createVisitor(world.first.origin);
      expect((await stranger.get(TRAFFIC + path)).location).toMatch(/^\/auth\/login\?/);
      expect((await stranger.get(TRAFFIC + path, { Accept: 'application/json' })).status).toBe(401);
      const posted = await world.admin.submit(TRAFFIC + path, {}, '/dashboard');
      expect(posted.status).toBe(405);
      expect(posted.headers['allow']).toBe('GET, HEAD');
    },
  );

  test('what was asked is listed, newest first, with whose it was', async () => {
    const asha = await idOf('asha');
    await put({ path: '/first', at: now - 2 }, { path: '/second', at: now - 1, userId: asha, status: 404 });
    await put({ path: '/third', at: now, aborted: true, durationMs: 12_345, userId: 'u-gone' });
    const text = await page();
    expect(pathsOf(text)).toEqual(['/third', '/second', '/first']);
    for (const words of ['12.345 s', 'went away', 'deleted account (u-gone)', '>asha<', '>not signed in<'])
      expect(text).toContain(words);
    expect(text).toContain('kept for 30 days');
  });

  test.each([
    ['?q=needle', ['/needle']],
    ['?q=Strategies/:id', ['/strategies/7']],
    ['?status=404', ['/needle']],
    ['?status=4xx', ['/forbidden', '/needle']],
    ['?method=POST', ['/strategies/7']],
    ['?slow=400', ['/slow']],
    ['?user=ASHA', ['/forbidden']],
    ['?user=u-gone', ['/slow']],
    ['?address=203.0.113.7', ['/strategies/7']],
    ['?address=%20%3A%3Affff%3A203.0.113.7', ['/strategies/7']],
    ['?request=0B5B3A58-1111-4222-8333-9F9F9F9F9F9F', ['/needle']],
    ['?last=24h', ['/slow']],
    ['?from=2026-11-22T09:00&to=2026-11-22T09:00:00', []],
    ['?from=2026-11-22T09:00&to=2026-11-22T09:00:01', ['/forbidden', '/strategies/7', '/needle']],
    [`?from=${Date.parse('2026-11-22T09:00:00+05:30')}`, ['/slow', '/forbidden', '/strategies/7', '/needle']],
    ['?q=needle&status=500', []],
  ])('%s finds what it should', async (query, found) => {
    const at = Date.parse('2026-11-22T09:00:00+05:30');
    await put(
      { at, path: '/needle', status: 404, requestId: '0b5b3a58-1111-4222-8333-9f9f9f9f9f9f' },
      { at, path: '/strategies/7', pattern: '/strategies/:id', method: 'POST', address: '203.0.113.7' },
      { at, path: '/forbidden', status: 403, userId: await idOf('asha') },
      { at: now - DAY_MS, path: '/slow', durationMs: 500, userId: 'u-gone' },
    );
    const text = await page(query);
    expect(pathsOf(text)).toEqual(found);
    if (found.length === 0) expect(text).toContain('No request fits this search.');
  });

  test('what cannot be searched for is said at its field, and the rest is kept', async () => {
    await put({});
    const { status, text } = await world.admin.get(`${TRAFFIC}?status=nine&address=there&slow=x&q=kept`);
    expect(status).toBe(400);
    for (const words of [
      'Enter a status like 404',
      'Enter an IP address',
      'Enter whole milliseconds',
      'value="kept"',
    ])
      expect(text).toContain(words);
    expect(pathsOf(text)).toEqual([]);
    expect(text).not.toContain('data-tail=');
    expect((await world.admin.get(`${TRAFFIC}/export.csv?status=nine`)).status).toBe(400);
    expect((await world.admin.get(`${TRAFFIC}?status=<script>alert(1)</script>`)).text).not.toContain(
      '<script>alert',
    );
  });

  test('pages lead on to all there is, with the search', async () => {
    await put(...Array.from({ length: 120 }, (_, index) => ({ path: `/p/${index}`, status: 404 })));
    const seen: unknown[] = [];
    for (let href: string | undefined = `${TRAFFIC}?status=404`; href !== undefined; ) {
      const { text } = await world.admin.get(href);
      seen.push(...pathsOf(text));
      href = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
      if (href !== undefined) expect(href).toContain('status=404');
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, index) => `/p/${119 - index}`));
  });

  test('a request has a page with what it was and where to go from there', async () => {
    const entry = trafficEntry({ at: now, path: '/x?', address: '203.0.113.7', userId: await idOf('asha') });
    await put(entry);
    const { text } = await world.admin.get(`${TRAFFIC}/${entry.requestId}`);
    expect(text).toContain(entry.requestId);
    expect(text).toContain('3,456 bytes');
    expect(text).toContain(`href="/security/audit?request=${entry.requestId}"`);
    expect(text).toContain('href="/security/bans/new?address=203.0.113.7"');
    expect(text).toContain('href="/security/traffic?user=asha"');
    const asked = await world.admin.get('/security/bans/new?address=203.0.113.7');
    expect(asked.text).toContain('value="203.0.113.7"');
    for (const id of ['nothing', '0b5b3a58-1111-4222-8333-9f9f9f9f9f9f', '%00', "' or 1=1"])
      expect((await world.admin.get(`${TRAFFIC}/${id}`)).status, id).toBe(404);
  });

  test.each(['203.0.113.0/24', 'h:0123456789abcdef', null])('from %j nobody is banned', async (address) => {
    const entry = trafficEntry({ address });
    await put(entry);
    expect((await world.admin.get(`${TRAFFIC}/${entry.requestId}`)).text).not.toContain('/security/bans/new');
  });

  test('the log outlives a disabled person, who is still named', async () => {
    const ravi = await idOf(OTHER.username);
    await put({ path: '/his', userId: ravi });
    await world.first.services.accounts.userAdmin.disable(OTHER.username, { actor: 'test' });
    expect(await pathsFor('?user=ravi')).toEqual(['/his']);
    expect(await page()).toContain('>ravi<');
  });

  test('the tail has the newest that fit, and asking for it is no sign of life', async () => {
    await put({ path: '/old', at: now - 5 }, { path: '/new', at: now - 1 }, { path: '/other', status: 404 });
    const text = await page('?status=200');
    const tail = /data-tail="([^"]+)"/.exec(text)?.[1] ?? '';
    expect(tail).toBe('/security/traffic/tail?status=200');
    const json = { Accept: 'application/json' };
    const answer = await world.admin.get(tail, json);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toMatchObject({
      entries: [{ path: '/new', status: '200', tone: 'ok' }, { path: '/old' }],
    });
    expect(await page('?to=2026-11-23T09:00')).not.toContain('data-tail=');
    expect(await page(`?before=${now}.1`)).not.toContain('data-tail=');

    const visitor = createVisitor(world.first.origin);
    visitor.useSessionCookie(world.admin.sessionCookie());
    for (let minutes = 0; minutes < 40; minutes += 10) {
      world.clock.advance(10 * 60_000);
      await visitor.get(tail, json);
    }
    expect((await visitor.get(tail, json)).status).toBe(401);
    await world.admin.submit('/auth/login', { username: 'asha', password: 'quiet-monsoon-harbour-42' });
  });

  test('a file has what the search finds, and nothing that a spreadsheet would carry out', async () => {
    await put(
      { path: '/a', status: 404 },
      { path: '/b', status: 200 },
      { path: '=HYPERLINK("x")', status: 404 },
    );
    await put(...Array.from({ length: 1200 }, (_, index) => ({ path: `/many/${index}`, status: 500 })));
    const some = await world.admin.get(`${TRAFFIC}/export.csv?status=404`);
    expect(some.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(some.headers['content-disposition']).toMatch(
      /^attachment; filename="curfew-traffic-2026-11-23\.csv"$/,
    );
    const [, ...lines]: string[][] = parse(some.text);
    expect(lines.map((line) => line[2])).toEqual([`'=HYPERLINK("x")`, '/a']);
    const all = await world.admin.get(`${TRAFFIC}/export.csv?q=MANY`);
    expect(parse(all.text)).toHaveLength(1201);
    expect(await page('?q=MANY')).toContain('href="/security/traffic/export.csv?q=MANY"');
  });

  test('nothing has failed when somebody breaks off the download', async () => {
    for (let batch = 0; batch < 20; batch += 1)
      await put(...Array.from({ length: 500 }, () => ({ path: `/${'long/'.repeat(50)}` })));
    const { origin, logText } = world.first;
    const broken = new AbortController();
    const answer = await fetch(`${origin}${TRAFFIC}/export.csv?q=long`, {
      headers: { Cookie: `curfew=${world.admin.sessionCookie()}` },
      signal: broken.signal,
    });
    expect(answer.status).toBe(200);
    await answer.body?.getReader().read();
    broken.abort();
    await eventually(async () =>
      expect((await world.rows()).at(-1)).toMatchObject({ path: `${TRAFFIC}/export.csv`, aborted: 1 }),
    );
    expect(logText()).not.toContain('A request failed');
  });

  test('what could not be kept is on the page and in the metrics', async () => {
    expect(await page()).not.toContain('have no row');
    const metrics = await (await fetch(`${world.first.origin}/metrics`)).text();
    expect(metrics).toContain('curfew_traffic_dropped_total 0');
    expect(metrics).toMatch(/curfew_traffic_written_total [1-9]/);
  });
});

test('with TRAFFIC_LOG_DAYS=off there are no rows, and the page says so', async () => {
  const world = await createTrafficWorld(1, { TRAFFIC_LOG_DAYS: 'off' });
  const { database } = world.first.infrastructure;
  await createTrafficStore(database).write({
    entries: [trafficEntry({ at: world.clock.now() - 1 })],
    hours: [],
  });
  const { text } = await world.admin.get(TRAFFIC);
  expect(text).toContain('Requests get no row');
  // Nor does it wait for new ones.
  expect(text).not.toContain('data-tail="');
  // What is left of a time when there were rows goes as well.
  await world.first.services.traffic.purge.run();
  expect(await world.rows()).toEqual([]);
  expect((await world.first.services.traffic.hourStore.since(0)).length).toBeGreaterThan(0);
  await world.close();
});

import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type AddressDetail, createClientMark } from '../../../src/monitoring/traffic/client-mark.ts';
import { WAYS_TO_RUN } from '../../bans/banned-world.ts';
import { eventually } from '../../support/eventually.ts';
import { TEST_SECRETS } from '../../support/test-server.ts';
import { createTrafficWorld, type TrafficWorld } from './traffic-world.ts';

describe.each(WAYS_TO_RUN)('requests, %s', (_name, nodeCount, settings) => {
  let world: TrafficWorld;
  beforeAll(async () => {
    world = await createTrafficWorld(nodeCount, await settings());
  });
  afterAll(() => world.close());

  test('leave a row with what they were and whose, at whichever node', async () => {
    await world.person.get('/strategies?x=1');
    await world.ask('/auth/login', '203.0.113.7');
    const replies = await Promise.all([1, 2].map(() => world.ask('/nothing-here', '2001:db8:1:2::9')));
    const rows = await world.rows();
    const { db } = world.first.infrastructure.database;
    const ravi = await db.selectFrom('users').select('id').where('username', '=', 'ravi').executeTakeFirst();
    expect(rows.find(({ path }) => path === '/strategies')).toMatchObject({
      at: world.clock.now(),
      method: 'GET',
      pattern: '/strategies',
      route_class: 'guarded',
      status: 200,
      aborted: 0,
      user_id: ravi?.id,
      address: '127.0.0.0/24',
    });
    expect(rows.find(({ address }) => address === '203.0.113.0/24')).toMatchObject({
      path: '/auth/login',
      route_class: 'form',
      user_id: null,
    });
    const found = rows.filter(({ address }) => address === '2001:db8:1::/48');
    expect(found.map(({ request_id }) => request_id).toSorted()).toEqual(
      replies.map(({ headers }) => headers.get('x-request-id')).toSorted(),
    );
    const hours = await world.first.services.traffic.hourStore.since(0);
    expect(hours.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThanOrEqual(rows.length);
  });

  test('of clients that went away leave a row with their address', async () => {
    const { hostname, port } = new URL(world.first.origin);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const head = ['POST /auth/login HTTP/1.1', 'Host: x', 'Content-Type: application/x-www-form-urlencoded'];
    socket.write(
      `${[...head, 'X-Forwarded-For: 198.51.100.77', 'Content-Length: 100', ''].join('\r\n')}\r\nhalf`,
    );
    // The server is reading the body now.
    await eventually(() => expect(socket.bytesWritten).toBeGreaterThan(100));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await eventually(async () =>
      expect((await world.rows()).find(({ address }) => address === '198.51.100.0/24')).toMatchObject({
        aborted: 1,
      }),
    );
  });

  test('have none of the secrets that were sent with them', async () => {
    const secret = (name: string) => `Marker${name}x7Qp2ZtR9vLk3WsY8`;
    const headers = {
      Cookie: `curfew=s%3A${secret('Cookie')}; other=${secret('Cookie')}`,
      Authorization: `Bearer cfw_${secret('Key')}`,
      'X-API-Key': `cfw_${secret('Key')}`,
      'User-Agent': secret('Agent'),
      Referer: `https://example.org/${secret('Referer')}`,
      'X-Request-Id': secret('Id'),
      'X-Forwarded-Host': secret('Host'),
    };
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(world.first.origin + path, { redirect: 'manual', headers, ...init });
    const form = new URLSearchParams({
      username: secret('Body'),
      password: secret('Body'),
      _csrf: secret('Body'),
    });
    await ask(`/auth/login?token=${secret('Query')}&code=${secret('Query')}`);
    await ask('/auth/login', { method: 'POST', body: form, headers: { 'Sec-Fetch-Site': 'same-origin' } });
    await ask('/api/v1/session', { method: 'POST', body: JSON.stringify({ secret: secret('Json') }) });
    await ask(`/auth/broker/sandbox/callback?code=${secret('Code')}&state=${secret('State')}`);
    for (const path of [
      `/api/v1/webhooks/${secret('Webhook')}`,
      `/api/v1/webhooks%2F${secret('Webhook')}`,
      `/API/v1/%77ebhooks/${secret('Webhook')}/x`,
      `/auth/reset/${secret('Reset')}`,
      `/auth/reset/${secret('Reset')}/again`,
      `/api/v1/session/cfw_${secret('Key')}`,
      `/sessions/s.0b5b3a58.1764.${secret('Session')}/revocation`,
      `/elsewhere/${secret('Unknown')}`,
      `/%2e%2e/${encodeURIComponent(`${secret('Unknown')}=`)}`,
    ])
      await ask(path, { method: path.includes('webhooks') ? 'POST' : 'GET' });
    const rows = await world.rows();
    expect(rows.filter(({ path }) => path.includes('…')).length).toBeGreaterThanOrEqual(9);
    expect(rows.find(({ path }) => path === '/auth/reset/…')).toBeDefined();
    const hours = await world.first.infrastructure.database.db
      .selectFrom('traffic_hours')
      .selectAll()
      .execute();
    expect(JSON.stringify([rows, hours])).not.toContain('Marker');
    expect(world.first.logText()).not.toContain('Marker');
  });

  test('that pages make by themselves are counted and leave no row, unless they fail', async () => {
    const { admin, first } = world;
    await world.flush();
    const polls = async () =>
      (await first.services.traffic.hourStore.since(0)).find(({ routeClass }) => routeClass === 'poll')
        ?.requests ?? 0;
    const before = await polls();
    await admin.get('/auth/session');
    await admin.get('/security/traffic/tail');
    await admin.get('/assets/curfew.css');
    await admin.get('/metrics');
    await admin.get('/healthz');
    await admin.get('/assets/nothing.php');
    await admin.get('/security/traffic/tail?status=x');
    const rows = await world.rows();
    expect(rows.slice(-2).map(({ path, status }) => [path, status])).toEqual([
      ['/assets/nothing.php', 404],
      ['/security/traffic/tail', 400],
    ]);
    expect(await polls()).toBe(before + 3);
    expect(rows.map(({ path }) => path)).not.toContain('/auth/session');
  });
});

describe('the address in the log', () => {
  const ADDRESS = '203.0.113.77';
  const { of: hash } = createClientMark({ detail: 'hashed', secrets: [TEST_SECRETS.PEPPER] });

  it.each<[AddressDetail, string | null]>([
    ['full', ADDRESS],
    ['truncated', '203.0.113.0/24'],
    ['hashed', hash(ADDRESS)],
    ['off', null],
  ])('is with TRAFFIC_LOG_ADDRESSES=%s %j, and nothing more of it is anywhere', async (detail, kept) => {
    const world = await createTrafficWorld(1, { TRAFFIC_LOG_ADDRESSES: detail, LOG_LEVEL: 'debug' });
    await world.ask('/auth/login', ADDRESS);
    const rows = await world.rows();
    expect(rows.at(-1)?.address).toBe(kept);
    if (detail !== 'full') expect(JSON.stringify(rows)).not.toContain(ADDRESS);
    await world.close();
  });

  it('is the peer’s, whatever it says, unless the peer is trusted', async () => {
    const spoofs = ['198.51.100.1', '198.51.100.1, 198.51.100.2', '<script>', '127.0.0.1', 'unknown'];
    const said = [
      'X-Forwarded-For',
      'X-Real-IP',
      'Forwarded',
      'CF-Connecting-IP',
      'True-Client-IP',
      'X-Client-IP',
    ];
    const open = await createTrafficWorld(1, { TRUST_PROXY: '10.0.0.1', TRAFFIC_LOG_ADDRESSES: 'full' });
    for (const spoof of spoofs)
      for (const name of said) await fetch(`${open.first.origin}/auth/login`, { headers: { [name]: spoof } });
    const addresses = new Set((await open.rows()).map(({ address }) => address));
    expect([...addresses]).toEqual(['127.0.0.1']);
    await open.close();

    const behindProxy = await createTrafficWorld(1, { TRAFFIC_LOG_ADDRESSES: 'full' });
    // What the client itself had put into the header stands before what the trusted proxy has added.
    await behindProxy.ask('/auth/login', '198.51.100.1, 203.0.113.5');
    expect((await behindProxy.rows()).at(-1)?.address).toBe('203.0.113.5');
    await behindProxy.close();
  });
});

it('nobody waits for a log that cannot be written, and nothing is lost or doubled when it can again', async () => {
  const settings = await WAYS_TO_RUN[1][2]();
  const world = await createTrafficWorld(1, settings);
  const before = (await world.rows()).length;
  const other = new pg.Client({ connectionString: settings.DATABASE_URL });
  await other.connect();
  await other.query('begin');
  await other.query('lock table traffic_log in access exclusive mode');
  const { trafficLog } = world.first.services.traffic;

  const sent = 60;
  const tooLate = trafficLog.flush().then(() => world.ask('/auth/login', '203.0.113.1'));
  await tooLate;
  const begunAt = performance.now();
  for (let count = 0; count < sent; count += 1) await world.ask('/auth/login', '203.0.113.1');
  await expect(trafficLog.flush()).rejects.toThrow();
  expect(performance.now() - begunAt).toBeLessThan(8000);
  expect((await world.ask('/auth/login', '203.0.113.1')).status).toBe(200);
  expect(trafficLog.dropped).toBe(0);

  await other.query('rollback');
  await other.end();
  expect(await world.rows()).toHaveLength(before + sent + 2);
  const hours = await world.first.services.traffic.hourStore.since(0);
  expect(hours.reduce((sum, { requests }) => sum + requests, 0)).toBe(before + sent + 2);
  await world.close();
});

import { Redis } from 'ioredis';
import { DateTime } from 'luxon';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';

const MINUTE_MS = 60_000;

/**
 * A guarded address that lists nothing: the answer is a 404 page, and only for somebody who is signed in. The dashboard
 * and the broker page ask for more than the session, each for what it shows.
 */
const GUARDED = '/a-page-that-is-not-there';

/** What the node says to Redis by itself every other second: that it lives. */
const HEARTBEATS: readonly string[] = ['ping', 'publish', 'subscribe'];

/** And once a second, whatever was asked for: how much of the limits was used up. Has a test of its own below. */
const isOfLimits = ([, key = '']: readonly string[]) =>
  /^curfew:rl:(?:pages|polls|public|programs):/.test(key);

describe('the Redis commands of a request', () => {
  let redis: RedisServer;
  let clock: SettableClock;
  let server: TestServer;
  let visitor: Visitor;
  let monitor: Redis;
  let commands: string[][];
  let marker: Redis;

  beforeAll(async () => {
    // A server of its own: what is counted is everything that anybody says to it.
    redis = await startRedis();
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    server = await startTestServer({ clock, env: { REDIS_URL: redis.url } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
    commands = [];
    marker = new Redis(redis.url);
    await marker.ping();
    // `monitor` opens a connection of its own.
    const opener = new Redis(redis.url);
    monitor = await opener.monitor();
    opener.disconnect();
    monitor.on('monitor', (_time: string, command: string[]) => commands.push(command));
  });
  afterAll(async () => {
    monitor.disconnect();
    marker.disconnect();
    await server.close();
    await redis.stop();
  });

  /** What was said to Redis while `work` ran, up to a mark that is said afterwards. */
  async function commandsDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
    const mark = `mark-${Math.random()}`;
    commands.length = 0;
    await work();
    // What the server sends without waiting for it is on its way by now.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await marker.echo(mark);
    const isMark = (command: string[]) => command[1] === mark;
    await eventually(() => expect(commands.some(isMark)).toBe(true));
    return commands
      .filter((command) => !isMark(command) && !isOfLimits(command))
      .map(([name = '']) => name.toLowerCase())
      .filter((name) => !HEARTBEATS.includes(name));
  }

  const statusOf = async (path: string, who = visitor) => (await who.get(path)).status;

  it('are one for a guarded page', async () => {
    expect(await commandsDuring(async () => expect(await statusOf(GUARDED)).toBe(404))).toEqual(['get']);
    clock.advance(59_000);
    expect(await commandsDuring(() => statusOf(GUARDED))).toEqual(['get']);
    expect(await commandsDuring(() => statusOf(GUARDED))).toEqual(['get']);
  });

  it('are two more when a use is due to be written, once in a minute', async () => {
    clock.advance(MINUTE_MS);
    expect(await commandsDuring(async () => expect(await statusOf(GUARDED)).toBe(404))).toEqual([
      'getex',
      'zadd',
      'hget',
    ]);
    expect(await commandsDuring(() => statusOf(GUARDED))).toEqual(['get']);
  });

  it('are twenty for twenty pages at once', async () => {
    const twenty = Array.from({ length: 20 }, () => GUARDED);
    const said = await commandsDuring(() => Promise.all(twenty.map((path) => statusOf(path))));
    expect(said).toEqual(Array(20).fill('get'));
  });

  it('are three more in a second for the limit of pages, however many pages', async () => {
    // What was asked for before is told by then.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    commands.length = 0;
    const began = performance.now();
    for (let each = 0; each < 50; each += 1) await statusOf(GUARDED);
    const seconds = Math.ceil((performance.now() - began) / 1000);
    await eventually(() => expect(commands.filter(isOfLimits).length).toBeGreaterThanOrEqual(3));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const said = commands.filter(isOfLimits);
    expect(said.length).toBeLessThanOrEqual(3 * (seconds + 1));
    const told = said
      .filter(([name]) => name?.toLowerCase() === 'incrby')
      .map(([, , points]) => Number(points));
    expect(told.reduce((sum, points) => sum + points, 0)).toBe(50);
  });

  it('are two for polling: the session, and when it was used last', async () => {
    clock.advance(2 * MINUTE_MS);
    const said = await commandsDuring(async () => expect(await statusOf('/auth/session')).toBe(200));
    expect(said.filter((name) => name === 'getex' || name === 'zadd' || name === 'pexpire')).toEqual([]);
    expect(said.filter((name) => name === 'get')).toEqual(['get']);
  });

  it.each([
    ['a static file', '/assets/curfew.css', 200],
    ['a static file that is not there', '/assets/nothing.css', 404],
    ['the API', '/api/v1/session', 401],
    ['the probe of life', '/healthz', 200],
    ['the practice broker’s metadata', '/sandbox/.well-known/openid-configuration', 404],
  ])('are none for %s, also with a cookie', async (_what, path, status) => {
    expect(await commandsDuring(async () => expect(await statusOf(path)).toBe(status))).toEqual([]);
  });

  it('are one for the page for anyone, whose header knows a signed-in user', async () => {
    const said = await commandsDuring(async () => expect(await statusOf('/')).toBe(200));
    expect(said).toEqual(['get']);
  });

  it('are none for somebody without a session who asks for a guarded page', async () => {
    const stranger = createVisitor(server.origin);
    for (const path of [GUARDED, '/dashboard', '/auth/session'])
      expect(await commandsDuring(async () => expect(await statusOf(path, stranger)).toBe(303))).toEqual([]);
    const post = () => stranger.post('/dashboard', { x: '1' });
    expect(await commandsDuring(async () => expect((await post()).status).toBe(303))).toEqual([]);
  });

  it('are none for a sign-in form, opened for the first time, once more, and sent with a mistake', async () => {
    const stranger = createVisitor(server.origin);
    for (let each = 0; each < 3; each += 1)
      expect(
        await commandsDuring(async () => expect(await statusOf('/auth/login', stranger)).toBe(200)),
      ).toEqual([]);
    const forget = async () => expect((await stranger.submit('/auth/login')).status).toBe(400);
    expect(await commandsDuring(forget)).toEqual([]);
  });

  it('are none for a cookie that Curfew did not sign', async () => {
    const thief = createVisitor(server.origin);
    thief.useSessionCookie('s%3As.1.abc.AAAAAAAA.bm90IHNpZ25lZA');
    expect(await commandsDuring(async () => expect(await statusOf(GUARDED, thief)).toBe(303))).toEqual([]);
  });

  it('are none for a page that is too large or malformed to be read by somebody without a session', async () => {
    const stranger = createVisitor(server.origin);
    const post = () => stranger.post('/api/v1/session', { x: 'y'.repeat(40_000) });
    expect(await commandsDuring(post)).toEqual([]);
  });

  it('come with one computation of the calendar for each cutoff, however many requests', async () => {
    const compute = vi.spyOn(DateTime.prototype, 'set');
    const perCutoff = 2;
    clock.set('2026-11-23T10:30:00+05:30');
    for (let each = 0; each < 30; each += 1) await statusOf(GUARDED);
    expect(compute).toHaveBeenCalledTimes(0);
    clock.set('2026-11-24T03:00:00+05:30');
    expect(await statusOf(GUARDED)).toBe(303);
    await signIn(visitor);
    for (let each = 0; each < 30; each += 1) {
      clock.advance(1000);
      expect(await statusOf(GUARDED)).toBe(404);
    }
    expect(compute).toHaveBeenCalledTimes(perCutoff);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ARGON2_PARAMETERS } from '../../../src/accounts/password-hasher.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../../src/core/duration.ts';
import { createAlertStore } from '../../../src/monitoring/load/alert-store.ts';
import { makeKey } from '../../api/api-client.ts';
import { type BannedWorld, createBannedWorld, WAYS_TO_RUN } from '../../bans/banned-world.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { createVisitor, PERSON, setUp, type Visitor } from '../../support/visitor.ts';
import { CHAT, TOKEN } from '../../telegram/telegram-world.ts';

const STRANGER = '203.0.113.9';

const ALERT_FORM = {
  slowMs: '1000',
  failedPercent: '5',
  refusedPercent: '50',
  addresses: '3',
  eventLoopMs: '100',
  droppedRows: '0',
  revocationMinutes: '2',
};

describe.each(WAYS_TO_RUN)('an alert, %s', (_name, nodeCount, settings) => {
  let world: BannedWorld;
  let telegram: TelegramServer;
  let admin: Visitor;

  beforeEach(async () => {
    // Its own clock stands still as well: messages to one chat keep a second apart.
    telegram = await startTelegramServer({ now: () => world.clock.now() });
    telegram.addBot(TOKEN, 'desk_bot');
    telegram.addChat(CHAT);
    const limits = { PAGE_RATE_LIMIT: '100000/minute', STRANGER_RATE_LIMIT: '100000/minute' };
    world = await createBannedWorld(
      nodeCount,
      { ...(await settings()), TELEGRAM_API_URL: telegram.url, TRAFFIC_LOG_ADDRESSES: 'full', ...limits },
      { hashCost: ARGON2_PARAMETERS },
    );
    admin = createVisitor(world.first.origin);
    await setUp(admin);
    await admin.submit('/auth/login', { username: PERSON.username, password: PERSON.password });
    await admin.submit('/telegram/bot', { botToken: TOKEN }, '/telegram');
    await admin.submit('/telegram/chat', { chatId: CHAT }, '/telegram');
    await admin.submit('/telegram/events', { events: ['alert'] }, '/telegram');
  });
  afterEach(async () => {
    await world.close();
    await telegram.close();
  });

  /** Every node compares its figures, as it does every fifteen seconds. */
  async function check(): Promise<void> {
    await Promise.all(world.nodes.map(({ services }) => services.load.monitor.check()));
  }

  async function messages(): Promise<readonly string[]> {
    for (const { services } of world.nodes) {
      await services.telegram.queue.drain();
      world.clock.advance(2 * SECOND_MS);
      await services.telegram.queue.drain();
    }
    return telegram.sent.map(({ text }) => text).filter((text) => !text.includes('slow answers'));
  }

  // A machine that is busy with other tests may be slow for real.
  const causes = async (type: string) =>
    (await world.events(type)).map(({ what }) => String(what)).filter((what) => !what.startsWith('slow:'));
  const raised = () => causes('alert.raised');
  const ended = () => causes('alert.ended');

  /** A program whose requests are refused, from each of the addresses in turn. */
  async function askWrongly(key: string, addresses: readonly string[], times: number): Promise<void> {
    for (let count = 0; count < times * nodeCount; count += 1) {
      const address = addresses[Math.floor(count / nodeCount) % addresses.length] ?? STRANGER;
      const answer = await world.ask('/api/v1/symbols?limit=none', address, {
        Authorization: `Bearer ${key}`,
      });
      expect([400, 429]).toContain(answer.status);
    }
  }

  test('is raised by no stranger, whatever is asked for in vain', async () => {
    for (let count = 0; count < 30 * nodeCount; count += 1) {
      await world.ask('/api/v1/session', STRANGER);
      await world.ask('/assets/nothing.css', STRANGER);
      await world.ask('/nothing', STRANGER, { Accept: 'application/json' });
      await world.ask('/api/v1/nothing', `198.51.100.${count % 50}`);
    }
    await check();
    expect(await raised()).toEqual([]);
    expect(await messages()).toEqual([]);
  });

  test('is raised once when several clients with good keys are refused, names their addresses, and ends', async () => {
    const { key } = await makeKey(admin, { scopes: ['symbols:read'] });
    await askWrongly(key, [STRANGER, '198.51.100.7'], 30);
    await check();
    expect(await raised()).toEqual([]);

    await askWrongly(key, ['198.51.100.8'], 3);
    await check();
    await check();
    expect(await raised()).toEqual(['refused:api']);
    const event = (await world.events('alert.raised')).find(({ what }) => what === 'refused:api');
    expect(event).toMatchObject({ figure: 1, threshold: 0.5 });
    expect(event?.['busiest']).toContainEqual({ address: STRANGER, requests: 15, bannable: true });
    const texts = await messages();
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('Alert: API and webhooks: many requests are refused');
    expect(texts[0]).toContain('100 % of the requests of signed-in people and programs are refused (4xx).');
    expect(texts[0]).toContain('198.51.100.8: 3');
    const warnings = world.nodes.flatMap(
      (node) => node.logText().match(/"level":"warn".*Alert: API.*refused/g) ?? [],
    );
    expect(warnings).toHaveLength(1);

    const { text } = await admin.get('/security/load');
    expect(text).toContain('API and webhooks: many requests are refused');
    expect(text).toContain(`/security/bans/new?address=${STRANGER}`);
    expect((await admin.get('/security')).text).toContain('API and webhooks: many requests are refused');

    world.clock.advance(4 * MINUTE_MS);
    await check();
    world.clock.advance(5 * MINUTE_MS - 1);
    await check();
    expect(await ended()).toEqual([]);
    world.clock.advance(1);
    await check();
    await check();
    expect(await ended()).toEqual(['refused:api']);
    expect(await raised()).toEqual(['refused:api']);
    const all = await messages();
    expect(all).toHaveLength(2);
    expect(all[1]).toContain('Over: API and webhooks: many requests are refused');
  });

  test('is raised by the thresholds that an administrator has set, on every node', async () => {
    const saved = await admin.submit(
      '/security/thresholds/alerts',
      { ...ALERT_FORM, slowMs: '100', addresses: '1' },
      '/security/thresholds',
    );
    expect(saved.location).toBe('/security/thresholds?notice=saved');
    // Each of them waits for a password hash behind the others: the last ones for much longer than a tenth of a second.
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const stranger = createVisitor(world.last.origin);
        await stranger.submit('/auth/login', { username: 'nobody', password: 'not the right one' });
      }),
    );
    await check();
    const slow = (await world.events('alert.raised')).find(({ what }) => what === 'slow:form');
    expect(slow).toMatchObject({ threshold: 100 });
    expect(Number(slow?.['figure'])).toBeGreaterThan(100);
  });

  test('is raised when a revocation is pending for two minutes, and ends when it is done', async () => {
    const { db } = world.first.infrastructure.database;
    await db
      .insertInto('revocations')
      .values({
        id: 'stuck',
        dedupe_key: null,
        user_id: null,
        reason: 'logged_out',
        scope: '{"kind":"device","userId":"nobody","sids":[]}',
        receipt: '',
        holder: null,
        status: 'open',
        attempts: 1,
        ordered_at: world.clock.now(),
        next_attempt_at: world.clock.now() + DAY_MS,
      })
      .execute();
    world.clock.advance(2 * MINUTE_MS);
    await check();
    expect(await raised()).toEqual([]);
    world.clock.advance(SECOND_MS);
    await check();
    expect(await raised()).toEqual(['revocation']);
    expect((await admin.get('/metrics')).text).toContain('curfew_alerts 1');
    expect((await admin.get('/security/load')).text).toContain('A revocation is pending');
    expect((await admin.get('/security')).text).toContain('1 revocation is');
    await db.deleteFrom('revocations').where('id', '=', 'stuck').execute();
    world.clock.advance(5 * MINUTE_MS);
    await check();
    expect(await ended()).toEqual(['revocation']);
  });

  test('is raised when requests fail, whoever sent them', async () => {
    const { db } = world.first.infrastructure.database;
    for (let count = 0; count < 20; count += 1) await admin.get('/strategies');
    await sql`alter table strategies rename to strategies_gone`.execute(db);
    for (let count = 0; count < 4; count += 1) expect((await admin.get('/strategies')).status).toBe(500);
    await check();
    expect(await raised()).toEqual([]);
    expect((await admin.get('/strategies')).status).toBe(500);
    await check();
    expect(await raised()).toEqual(['failed:guarded']);
    await sql`alter table strategies_gone rename to strategies`.execute(db);
    world.clock.advance(5 * MINUTE_MS);
    await check();
    expect(await ended()).toEqual(['failed:guarded']);
  });

  test('is raised when the traffic log loses rows', async () => {
    const { first } = world;
    const { trafficLog } = first.services.traffic;
    await trafficLog.flush();
    await check();
    const before = trafficLog.dropped;
    await sql`alter table traffic_log rename to traffic_log_gone`.execute(first.infrastructure.database.db);
    await admin.get('/security/load');
    await expect.poll(() => trafficLog.waiting).toBeGreaterThan(0);
    await trafficLog.flush().catch(() => undefined);
    await sql`alter table traffic_log_gone rename to traffic_log`.execute(first.infrastructure.database.db);
    expect(trafficLog.dropped).toBeGreaterThan(before);
    await check();
    expect(await raised()).toEqual(['rows_dropped']);
    world.clock.advance(5 * MINUTE_MS);
    await check();
    expect(await ended()).toEqual(['rows_dropped']);
  });
});

test('an alert ends also where the node that raised it is gone', async () => {
  const [, nodeCount, settings] = WAYS_TO_RUN[1];
  const world = await createBannedWorld(nodeCount, await settings());
  try {
    const alert = { what: 'refused:api', figure: 1, threshold: 0.5, node: 'gone', busiest: [] };
    await createAlertStore(world.first.infrastructure.database).raiseOrKeep(alert, world.clock.now());
    world.clock.advance(5 * MINUTE_MS - 1);
    await world.last.services.load.monitor.check();
    expect(await world.events('alert.ended')).toEqual([]);
    world.clock.advance(1);
    await world.last.services.load.monitor.check();
    expect(await world.events('alert.ended')).toMatchObject([{ what: 'refused:api' }]);
  } finally {
    await world.close();
  }
});

describe('the alert of the event loop', () => {
  test('is raised when the event loop is blocked again and again', async () => {
    const world = await createBannedWorld(1, { TRAFFIC_LOG_ADDRESSES: 'off' });
    const { monitor } = world.first.services.load;
    try {
      monitor.start();
      await sleep(100);
      await standStill(5);
      await monitor.check();
      await standStill(5);
      await monitor.check();
      const [event] = await world.events('alert.raised');
      expect(event).toMatchObject({ what: 'event_loop', threshold: 100, busiest: [] });
    } finally {
      await world.close();
    }
  });

  async function standStill(times: number): Promise<void> {
    for (let count = 0; count < times; count += 1) {
      const until = performance.now() + 200;
      while (performance.now() < until);
      await sleep(30);
    }
  }
});

import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../../src/core/duration.ts';
import { startOfIstHour } from '../../../src/core/ist.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { createVisitor, PERSON, setUp, type Visitor } from '../../support/visitor.ts';
import { CHAT, TOKEN } from '../../telegram/telegram-world.ts';
import { type BannedWorld, createBannedWorld, WAYS_TO_RUN } from '../bans/banned-world.ts';

const STRANGER = '203.0.113.9';

describe.each(WAYS_TO_RUN)('an alarm, %s', (_name, nodeCount, settings) => {
  let world: BannedWorld;
  let telegram: TelegramServer;
  let admin: Visitor;

  beforeEach(async () => {
    // Its own clock stands still as well: messages to one chat keep a second apart.
    telegram = await startTelegramServer({ now: () => world.clock.now() });
    telegram.addBot(TOKEN, 'desk_bot');
    telegram.addChat(CHAT);
    world = await createBannedWorld(nodeCount, {
      ...(await settings()),
      TELEGRAM_API_URL: telegram.url,
      TRAFFIC_LOG_ADDRESSES: 'full',
      PAGE_RATE_LIMIT: '100000/minute',
      STRANGER_RATE_LIMIT: '100000/minute',
    });
    admin = createVisitor(world.first.origin);
    await setUp(admin);
    await admin.submit('/auth/login', { username: PERSON.username, password: PERSON.password });
    await admin.submit('/telegram/bot', { botToken: TOKEN }, '/telegram');
    await admin.submit('/telegram/chat', { chatId: CHAT }, '/telegram');
    await admin.submit('/telegram/events', { events: ['alarm'] }, '/telegram');
  });
  afterEach(async () => {
    await world.close();
    await telegram.close();
  });

  /** Every node looks at its figures, as it does every fifteen seconds. */
  async function look(): Promise<void> {
    await Promise.all(world.nodes.map(({ services }) => services.load.watch.look()));
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
  const raised = () => causes('alarm.raised');
  const ended = () => causes('alarm.ended');

  /** No key at all: refused, and nobody's guess. */
  async function askInVain(times: number): Promise<void> {
    for (let count = 0; count < times; count += 1)
      expect([401, 429]).toContain((await world.ask('/api/v1/session', STRANGER)).status);
  }

  test('rings once when too many requests are refused, names who sends them, and ends when they do', async () => {
    await askInVain(20 * nodeCount - nodeCount);
    await look();
    expect(await raised()).toEqual([]);

    await askInVain(6 * nodeCount);
    await look();
    await look();
    expect(await raised()).toEqual(['refused:api']);
    const event = (await world.events('alarm.raised')).find(({ what }) => what === 'refused:api');
    expect(event).toMatchObject({ what: 'refused:api', figure: 1, normal: 0.5 });
    expect(event?.['busiest']).toEqual([{ address: STRANGER, requests: 25, bannable: true }]);
    const texts = await messages();
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('Alarm: API and webhooks: many requests are refused');
    expect(texts[0]).toContain('100 % of the requests are refused (4xx); normal is up to 50 %.');
    expect(texts[0]).toContain(`${STRANGER}: 25`);
    expect(texts[0]).toContain(`/security/bans/new?address=${STRANGER}`);
    const warnings = world.nodes.flatMap(
      (node) => node.logText().match(/"level":"warn".*Alarm: API.*refused/g) ?? [],
    );
    expect(warnings).toHaveLength(1);

    const { text } = await admin.get('/security/load');
    expect(text).toContain('API and webhooks: many requests are refused');
    expect(text).toContain(`/security/bans/new?address=${STRANGER}`);

    // Hardly any better: it goes on.
    world.clock.advance(4 * MINUTE_MS);
    await look();
    expect(await ended()).toEqual([]);
    world.clock.advance(2 * MINUTE_MS);
    await look();
    await look();
    expect(await ended()).toEqual(['refused:api']);
    expect(await raised()).toEqual(['refused:api']);
    const all = await messages();
    expect(all).toHaveLength(2);
    expect(all[1]).toContain('Over: API and webhooks: many requests are refused');
  });

  test('rings when answers are slower than they were at this time on other days', async () => {
    const { clock, first } = world;
    const rows = Array.from({ length: 7 }, (_, day) => ({
      hour: startOfIstHour(clock.now()) - (day + 1) * DAY_MS,
      route_class: 'form',
      ...{ requests: 400, not_found: 0, client_errors: 40, server_errors: 0 },
      ...{ b0: 400, b1: 0, b2: 0, b3: 0, b4: 0, b5: 0, b6: 0, b7: 0, b8: 0, b9: 0 },
    }));
    await first.ports.database.db.insertInto('traffic_hours').values(rows).execute();
    // Each of them waits for a password hash behind the others: the last ones for much longer than a tenth of a second.
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const stranger = createVisitor(first.origin);
        await stranger.submit('/auth/login', { username: 'nobody', password: 'not the right one' });
      }),
    );
    await look();
    const slow = (await world.events('alarm.raised')).find(({ what }) => what === 'slow:form');
    expect(slow).toMatchObject({ normal: 100 });
    expect(Number(slow?.['figure'])).toBeGreaterThan(100);
    clock.advance(5 * MINUTE_MS);
    await look();
    await look();
    expect((await world.events('alarm.ended')).map(({ what }) => what)).toContain('slow:form');
  });

  test('rings when requests fail', async () => {
    const { db } = world.first.ports.database;
    for (let count = 0; count < 20; count += 1) await admin.get('/strategies');
    await sql`alter table strategies rename to strategies_gone`.execute(db);
    for (let count = 0; count < 4; count += 1) expect((await admin.get('/strategies')).status).toBe(500);
    await look();
    expect(await raised()).toEqual([]);
    expect((await admin.get('/strategies')).status).toBe(500);
    await look();
    expect(await raised()).toEqual(['failed:guarded']);
    await sql`alter table strategies_gone rename to strategies`.execute(db);
    world.clock.advance(5 * MINUTE_MS);
    await look();
    expect(await ended()).toEqual(['failed:guarded']);
  });

  test('rings when the traffic log loses rows', async () => {
    const { first } = world;
    const { trafficLog } = first.services.traffic;
    await trafficLog.flush();
    await look();
    const before = trafficLog.dropped;
    await sql`alter table traffic_log rename to traffic_log_gone`.execute(first.ports.database.db);
    await admin.get('/security/load');
    await expect.poll(() => trafficLog.waiting).toBeGreaterThan(0);
    await trafficLog.flush().catch(() => undefined);
    await sql`alter table traffic_log_gone rename to traffic_log`.execute(first.ports.database.db);
    expect(trafficLog.dropped).toBeGreaterThan(before);
    await look();
    expect(await raised()).toEqual(['rows_dropped']);
    world.clock.advance(5 * MINUTE_MS + 1);
    await look();
    world.clock.advance(2 * MINUTE_MS);
    await look();
    expect(await ended()).toEqual(['rows_dropped']);
  });
});

test('an alarm ends also where the node that raised it is gone', async () => {
  const [, nodeCount, settings] = WAYS_TO_RUN[1];
  const world = await createBannedWorld(nodeCount, await settings());
  try {
    for (let count = 0; count < 25; count += 1) await fetch(`${world.first.origin}/api/v1/session`);
    await world.first.services.load.watch.look();
    expect(await world.events('alarm.raised')).toHaveLength(1);
    world.clock.advance(2 * MINUTE_MS - 1);
    await world.last.services.load.watch.look();
    expect(await world.events('alarm.ended')).toEqual([]);
    world.clock.advance(1);
    await world.last.services.load.watch.look();
    expect(await world.events('alarm.ended')).toMatchObject([{ what: 'refused:api' }]);
  } finally {
    await world.close();
  }
});

describe('the alarm of the event loop', () => {
  test('rings when the process stands still again and again', async () => {
    const world = await createBannedWorld(1, { TRAFFIC_LOG_ADDRESSES: 'off' });
    const { watch } = world.first.services.load;
    try {
      watch.start();
      await sleep(100);
      await standStill(5);
      await watch.look();
      await standStill(5);
      await watch.look();
      const [event] = await world.events('alarm.raised');
      expect(event).toMatchObject({ what: 'event_loop', normal: 100, busiest: [] });
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

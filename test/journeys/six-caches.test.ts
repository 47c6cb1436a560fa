import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { SECOND_MS } from '../../src/core/duration.ts';
import { CACHE_NAMES } from '../../src/storage/caches.ts';
import { createApiClient, makeKey } from '../api/api-client.ts';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { makeStrategy, send } from '../strategies/trader.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CHAT, TOKEN } from '../telegram/telegram-world.ts';

const WAYS_TO_RUN = {
  'on Redis and Postgres': async () => ({
    DATABASE_URL: await createPostgresDatabase(),
    REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
  }),
  'on one SQLite file': async () => ({
    DATABASE_URL: `sqlite:${join(createScratchDirectory('six-caches').path, 'curfew.db')}`,
  }),
} as const;

const EMPTY = { auth: 0, feed: 0, symbol: 0, settings: 0, strategy: 0, telegram: 0 };

/** A node, and the same person's browser and program at it. */
interface Place {
  readonly server: TestServer;
  readonly visitor: Visitor;
  readonly webhook: string;
}

/** What people and programs do fills the six caches on both nodes; what ends a person's day empties them on both. */
describe.each(Object.entries(WAYS_TO_RUN))('The six caches of two nodes %s', (_name, environment) => {
  let clock: SettableClock;
  let telegram: TelegramServer;
  let places: readonly Place[];
  let key: string;
  let userId: string;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    telegram = await startTelegramServer(clock);
    telegram.addBot(TOKEN, 'asha_bot');
    telegram.addChat(CHAT);
    const env = {
      ...(await environment()),
      TELEGRAM_API_URL: telegram.url,
      SESSION_IDLE_TIMEOUT: 'off',
      API_RATE_LIMIT: '1000/minute',
      WEBHOOK_RATE_LIMIT: '1000/minute',
    };
    const servers = [await startTestServer({ clock, env }), await startTestServer({ clock, env })];
    const [first, second] = servers;
    if (first === undefined || second === undefined) throw new Error('There must be two nodes');

    const visitor = createVisitor(first.origin);
    await setUp(visitor);
    await signIn(visitor);
    await connectSandbox(visitor);
    await importKnownSymbols(first.services);
    await visitor.submit('/telegram/bot', { botToken: TOKEN }, '/telegram');
    await visitor.submit('/telegram/chat', { chatId: CHAT }, '/telegram');
    ({ key } = await makeKey(visitor));
    const { webhook } = await makeStrategy(visitor);
    const { id } = await first.infrastructure.database.db
      .selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    userId = id;

    const sameBrowser = createVisitor(second.origin);
    sameBrowser.useSessionCookie(visitor.sessionCookie());
    places = [
      { server: first, visitor, webhook },
      { server: second, visitor: sameBrowser, webhook: webhook.replace(first.origin, second.origin) },
    ];
  });
  afterEach(async () => {
    await Promise.all(places.map(({ server }) => server.close()));
    await telegram.close();
  });

  const sizes = () => places.map(({ server }) => server.services.caches.sizes());
  let sent = 0;

  /** Until both nodes have heard of what was changed before, and forgotten what they had of it. */
  async function useEverything(): Promise<void> {
    await eventually(async () => {
      for (const place of places) await useOnce(place);
      for (const each of sizes()) for (const name of CACHE_NAMES) expect(each[name], name).toBeGreaterThan(0);
    });
  }

  /** Only the feed token is read by hand: no page asks for it yet. */
  async function useOnce({ server, visitor, webhook }: Place): Promise<void> {
    const program = createApiClient(server.origin, key);
    expect((await program.ask('/api/v1/broker/sandbox/token')).status).toBe(200);
    const feed = await server.services.brokers.reader.feedToken(userId, 'sandbox');
    expect(feed).toMatchObject({ kind: 'token' });
    sent += 1;
    expect((await send(webhook, { action: 'buy', id: sent })).status).toBe(200);
    expect((await visitor.get('/dashboard')).status).toBe(200);
    clock.advance(5 * SECOND_MS);
    expect((await visitor.submit('/telegram/test', {}, '/telegram')).location).toContain('test_sent');
  }

  /** Programs and platforms do not know that the day is over, and go on calling. */
  async function goOnCalling(): Promise<void> {
    for (const { server, visitor, webhook } of places) {
      const program = createApiClient(server.origin, key);
      expect((await program.ask('/api/v1/broker/sandbox/token')).status).toBe(409);
      expect((await program.ask('/api/v1/session')).status).toBe(200);
      expect((await program.ask('/api/v1/strategies')).status).toBe(200);
      expect(await server.services.brokers.reader.feedToken(userId, 'sandbox')).not.toMatchObject({
        kind: 'token',
      });
      sent += 1;
      expect((await send(webhook, { action: 'buy', id: sent })).body).toMatchObject({
        error: 'broker_reauth_required',
      });
      expect((await visitor.get('/dashboard')).status).toBe(303);
      clock.advance(5 * SECOND_MS);
      await server.services.telegram.queue.drain();
    }
  }

  async function expectAllEmpty(): Promise<void> {
    await eventually(() => expect(sizes()).toEqual([EMPTY, EMPTY]));
    await goOnCalling();
    // An instrument belongs to nobody.
    for (const each of sizes()) expect({ ...each, symbol: 0 }).toEqual(EMPTY);
  }

  test('are empty after the logout of the last device', async () => {
    await useEverything();
    await places[0]?.visitor.submit('/auth/logout', {}, '/dashboard');
    await expectAllEmpty();
  });

  test('are empty after the cutoff, which one of them carries out', async () => {
    await useEverything();
    clock.set('2026-11-24T03:00:00+05:30');
    await places[0]?.server.services.revocation.sweep.runIfDue();
    await expectAllEmpty();
  });

  test('are empty after an administrator’s order, given at the other one', async () => {
    await useEverything();
    await places[1]?.server.services.sessions.lifecycle.endAccount(userId, 'ended_by_admin', {
      actor: 'admin',
    });
    await expectAllEmpty();
  });

  test('are filled again when the person signs in and connects again, with the same key and webhook', async () => {
    await useEverything();
    await places[0]?.visitor.submit('/auth/logout', {}, '/dashboard');
    await expectAllEmpty();
    const [here, there] = places;
    if (here === undefined || there === undefined) throw new Error('There must be two nodes');
    await signIn(here.visitor);
    there.visitor.useSessionCookie(here.visitor.sessionCookie());
    await connectSandbox(here.visitor);
    await useEverything();
  });
});

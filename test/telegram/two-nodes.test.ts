import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { secretDigest } from '../../src/broker/secret-digest.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { createRedisDatabase } from '../support/redis-server.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { startTestServer, TEST_SECRETS, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { CHAT, TOKEN } from './telegram-world.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const CUTOFF = Date.parse('2026-11-24T03:00:00+05:30');

const SHARED = [
  ['Postgres', async () => ({ DATABASE_URL: await createPostgresDatabase() })],
  [
    'Redis',
    async () => ({
      DATABASE_URL: await createPostgresDatabase(),
      REDIS_URL: await createRedisDatabase({ url: inject('redisUrl') }),
    }),
  ],
] as const;

describe.each(SHARED)('A day of messages from two nodes with %s', (_name, settings) => {
  let clock: SettableClock;
  let telegram: TelegramServer;
  let nodes: readonly TestServer[];
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    telegram = await startTelegramServer(clock);
    telegram.addBot(TOKEN, 'asha_bot');
    telegram.addChat(CHAT);
    const env = { ...(await settings()), TELEGRAM_API_URL: telegram.url, SESSION_IDLE_TIMEOUT: 'off' };
    nodes = [await startTestServer({ clock, env }), await startTestServer({ clock, env })];
    visitor = createVisitor(node(0).origin);
    await setUp(visitor);
    await signIn(visitor);
    await visitor.submit('/telegram/bot', { botToken: TOKEN }, '/telegram');
    await visitor.submit('/telegram/chat', { chatId: CHAT }, '/telegram');
  });
  afterEach(async () => {
    await Promise.all(nodes.map((each) => each.close()));
    await telegram.close();
  });

  const node = (index: number) => nodes[index] as TestServer;
  const drainBoth = async () => {
    await Promise.all(nodes.map(({ services }) => services.telegram.queue.drain()));
    clock.advance(SECOND_MS);
  };
  const headings = () => telegram.sent.map(({ text }) => text.split('\n')[0]);
  const cached = () => nodes.map(({ services }) => services.caches.sizes().telegram);

  it('each is sent once: a new device, the cutoff that is near, and its end with the receipt', async () => {
    // The same browser is no news, another one is.
    await visitor.submit('/auth/logout', {}, '/auth/logout');
    await drainBoth();
    expect(headings()).toEqual(['You signed out']);
    expect(telegram.sent[0]?.text).toContain('✓ Sessions ended in the store: 1');
    await signIn(visitor);
    await drainBoth();
    expect(headings()).toHaveLength(1);
    const stranger = createVisitor(node(1).origin);
    await signIn(stranger);
    await drainBoth();
    expect(headings()[1]).toBe('Sign-in from a new device');

    clock.set(CUTOFF - 5 * MINUTE_MS);
    await Promise.all(nodes.map(({ services }) => services.telegram.reminder.run()));
    await drainBoth();
    expect(headings()[2]).toBe('The cutoff is in 5 minutes');

    clock.set(CUTOFF);
    await Promise.all(nodes.map(({ services }) => services.revocation.sweep.runIfDue()));
    await eventually(() => expect(cached()).toEqual([0, 0]));
    await drainBoth();
    expect(headings()[3]).toBe('The daily cutoff');
    expect(telegram.sent[3]?.text).toContain('Your 2 sessions have ended');
    expect(telegram.sent[3]?.text).toContain('✓ Cached values cleared');
    await drainBoth();
    expect(headings()).toHaveLength(4);
    expect(telegram.hurries).toBe(0);
  });

  it('the link about a new device ends its session, on whichever node it is opened', async () => {
    const stranger = createVisitor(node(1).origin);
    await signIn(stranger);
    await drainBoth();
    const link = /\/auth\/device\/[\w-]+/.exec(telegram.sent.at(-1)?.html ?? '')?.[0] ?? '';
    const phone = createVisitor(node(0).origin);
    expect((await phone.get(link)).text).toContain('End this session?');
    expect((await stranger.get('/dashboard')).status).toBe(200);
    expect((await phone.submit(link)).text).toContain('That session has ended');
    expect((await stranger.get('/dashboard')).location).toContain('reason=revoked');
    expect((await visitor.get('/dashboard')).status).toBe(200);
    expect((await phone.get(link)).text).toContain('This link does not work any more');
  });

  it('the cache is filled by sending, and empty on both nodes after logout and an admin’s order', async () => {
    const fill = async () => {
      for (const { services, infrastructure } of nodes) {
        const user = await infrastructure.database.db
          .selectFrom('users')
          .select('id')
          .executeTakeFirstOrThrow();
        const bot = await services.telegram.bots.find(user.id);
        if (bot !== undefined) await services.telegram.bots.tokenOf(bot);
      }
      expect(cached()).toEqual([1, 1]);
    };
    await fill();
    await visitor.submit('/auth/logout', { everywhere: 'yes' }, '/auth/logout');
    await eventually(() => expect(cached()).toEqual([0, 0]));
    // The news of it are sent, and leave nothing behind.
    await drainBoth();
    expect(headings().at(-1)).toBe('You signed out everywhere');
    expect(cached()).toEqual([0, 0]);
    await signIn(visitor);
    await fill();
    const user = await node(0)
      .infrastructure.database.db.selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    await node(1).services.sessions.lifecycle.endAccount(user.id, 'ended_by_admin', { actor: 'test' });
    await eventually(() => expect(cached()).toEqual([0, 0]));
  });

  it('a broker that rejects its token is told of, and no token is in the message', async () => {
    await connectSandbox(visitor);
    const { id } = await node(0)
      .infrastructure.database.db.selectFrom('users')
      .select('id')
      .executeTakeFirstOrThrow();
    const { token } = await node(0).services.brokers.reader.requireAccessToken(id, 'sandbox');
    await node(1).services.brokers.reportRejected(id, 'sandbox', {
      tokenDigest: secretDigest(token),
    });
    await drainBoth();
    expect(headings()).toEqual(['Practice broker rejected the connection']);
    const rows = await node(0)
      .infrastructure.database.db.selectFrom('telegram_messages')
      .selectAll()
      .execute();
    for (const secret of [token, TOKEN])
      expect(JSON.stringify([rows, telegram.sent.map(({ html }) => html)])).not.toContain(secret);
  });

  it('a rotation of keys takes the bots along', async () => {
    const key = randomBytes(32).toString('base64url');
    const { ENCRYPTION_KEY } = TEST_SECRETS;
    const { database } = node(0).config;
    const DATABASE_URL = database.dialect === 'postgres' ? database.url : '';
    const rotated = await startTestServer({
      clock,
      env: { DATABASE_URL, ENCRYPTION_KEY: `${key},${ENCRYPTION_KEY}`, TELEGRAM_API_URL: telegram.url },
    });
    try {
      const report = await rotated.services.keyRotation.run({ actor: 'test' });
      expect(report.find(({ column }) => column.table === 'telegram_bots')).toMatchObject({ renewed: 1 });
    } finally {
      await rotated.close();
    }
    const after = await startTestServer({
      clock,
      env: { DATABASE_URL, ENCRYPTION_KEY: key, TELEGRAM_API_URL: telegram.url },
    });
    try {
      const someone = createVisitor(after.origin);
      await signIn(someone);
      clock.advance(SECOND_MS);
      expect((await someone.submit('/telegram/test', {}, '/telegram')).location).toContain('test_sent');
    } finally {
      await after.close();
    }
  });
});

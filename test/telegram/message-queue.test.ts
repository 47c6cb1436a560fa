import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { addUser, DATABASES } from '../support/databases.ts';
import type { SettableClock } from '../support/settable-clock.ts';
import { BLOCKED, type TelegramServer } from '../support/telegram-server.ts';
import { CHAT, openTelegramWorld, type TelegramWorld, TOKEN } from './telegram-world.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe.each(DATABASES)('The queue of messages to Telegram on %s', (_name, open) => {
  let database: Database;
  let clock: SettableClock;
  let telegram: TelegramServer;
  let world: TelegramWorld;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    ({ clock, telegram, world } = await openTelegramWorld(database));
    await world.giveBot('asha');
  });
  afterEach(() => telegram.close());

  const drain = async () => (await world.queue.drain()).sent;
  const statuses = async () => (await world.messageRows()).map(({ status, why }) => [status, why]);
  const texts = () => telegram.sent.map(({ text }) => text);
  const waitOf = async () => (await world.botRow('asha')).next_send_at - clock.now();

  it('keeps no more messages that are over than it is told, and every one that waits', async () => {
    for (const text of ['one', 'two', 'three']) await world.add('asha', text);
    await drain();
    await world.add('asha', 'waits');
    await world.messageStore.forgetEnded(0, 2);
    expect((await world.messageRows()).map(({ body }) => body)).toEqual(['three', 'waits']);
    await world.messageStore.forgetEnded(0, 0);
    expect((await world.messageRows()).map(({ body }) => body)).toEqual(['waits']);
  });

  it('sends what waits, once', async () => {
    await world.add('asha', '<b>Hello</b>');
    expect(await drain()).toBe(1);
    expect(await drain()).toBe(0);
    expect(telegram.sent).toMatchObject([{ token: TOKEN, chatId: CHAT, text: 'Hello' }]);
    expect(await statuses()).toEqual([['sent', null]]);
  });

  it('sends each message once, though four nodes do it at the same time', async () => {
    const people = Array.from({ length: 12 }, (_, each) => `user-${each}`);
    for (const [index, userId] of people.entries()) {
      await addUser(database, userId);
      await world.giveBot(userId, { token: `${1000 + index}:${'a'.repeat(35)}`, chat: String(100 + index) });
      await world.add(userId, `for ${userId}`);
    }
    const nodes = Array.from({ length: 4 }, () => world.createNode());
    const counts = await Promise.all(nodes.map(({ queue }) => queue.drain()));
    expect(counts.reduce((sum, { sent }) => sum + sent, 0)).toBe(12);
    expect([...texts()].sort()).toEqual(people.map((userId) => `for ${userId}`).sort());
    await database.db.deleteFrom('users').where('id', 'in', people).execute();
  });

  it('writes to a chat once a second at most, and bundles what comes meanwhile', async () => {
    await world.add('asha', 'one');
    await drain();
    await world.add('asha', 'two');
    await world.add('asha', 'three');
    expect(await drain()).toBe(0);
    clock.advance(SECOND_MS - 1);
    expect(await drain()).toBe(0);
    clock.advance(1);
    expect(await drain()).toBe(2);
    expect(texts()).toEqual(['one', 'two\n\nthree']);
    expect(telegram.hurries).toBe(0);
  });

  it('makes few messages of a flood, and says how many there were', async () => {
    for (let minute = 0; minute < 10; minute += 1) {
      for (let each = 0; each < 60; each += 1) {
        await world.add('asha', 'Signal refused');
        clock.advance(SECOND_MS);
        if (each % 2 === 0) await drain();
      }
    }
    clock.advance(MINUTE_MS);
    await drain();
    expect(telegram.hurries).toBe(0);
    expect(telegram.sent.length).toBeLessThan(20);
    const said = texts().map((text) => Number(/(\d+) times/.exec(text)?.[1] ?? 1));
    expect(said.reduce((sum, count) => sum + count, 0)).toBe(600);
    expect((await world.messageRows()).length).toBe(telegram.sent.length);
  });

  it('waits as long as Telegram asks for, and not a moment longer', async () => {
    telegram.answerNext('sendMessage', {
      error_code: 429,
      description: 'Too Many Requests: retry after 35',
      parameters: { retry_after: 35 },
    });
    await world.add('asha', 'one');
    expect(await drain()).toBe(0);
    expect(await waitOf()).toBe(35 * SECOND_MS);
    expect(await world.botRow('asha')).toMatchObject({ problem: 'asked_to_wait' });
    clock.advance(35 * SECOND_MS - 1);
    expect(await drain()).toBe(0);
    expect(telegram.calls.filter((call) => call === 'sendMessage')).toHaveLength(1);
    clock.advance(1);
    expect(await drain()).toBe(1);
    expect(await world.botRow('asha')).toMatchObject({ problem: null });
  });

  it('tries again with growing pauses while Telegram cannot be reached, and loses nothing', async () => {
    await world.add('asha', 'one');
    const waits: number[] = [];
    for (const answer of ['hang up', 'garbage', 'never', 'hang up'] as const) {
      telegram.answerNext('sendMessage', answer);
      expect(await drain()).toBe(0);
      waits.push((await waitOf()) / SECOND_MS);
      clock.advance(await waitOf());
    }
    expect(waits).toEqual([5, 10, 20, 40]);
    expect(await world.botRow('asha')).toMatchObject({ problem: 'unreachable', failures: 4 });
    expect(await drain()).toBe(1);
    expect(await world.botRow('asha')).toMatchObject({ problem: null, failures: 0 });
  });

  it.each([
    ['blocked', BLOCKED],
    ['chat_not_found', { error_code: 400, description: 'Bad Request: chat not found' }],
    ['bad_token', { error_code: 401, description: 'Unauthorized' }],
  ] as const)('gives up with a reason that the page shows: %s', async (why, refusal) => {
    telegram.refuseChat(CHAT, refusal);
    await world.add('asha', 'one');
    expect(await drain()).toBe(0);
    expect(await statuses()).toEqual([['failed', why]]);
    expect(await world.botRow('asha')).toMatchObject({ problem: why });
    clock.advance(MINUTE_MS);
    await drain();
    expect(telegram.calls.filter((call) => call === 'sendMessage')).toHaveLength(1);
    // Once the person has done something about it, it works again by itself.
    telegram.refuseChat(CHAT, undefined);
    await world.add('asha', 'two');
    expect(await drain()).toBe(1);
    expect(await world.botRow('asha')).toMatchObject({ problem: null });
    expect(world.log.lines.join()).not.toContain(TOKEN.slice(10));
  });

  it('does not hammer a chat that takes nothing', async () => {
    telegram.refuseChat(CHAT, BLOCKED);
    for (let each = 0; each < 120; each += 1) {
      await world.add('asha', `message ${each}`);
      await drain();
      clock.advance(SECOND_MS);
    }
    expect(telegram.calls.filter((call) => call === 'sendMessage').length).toBeLessThan(12);
  });

  it('gives up what is of no use any more, and says so', async () => {
    await world.add('asha', 'the cutoff is near', { expiresAt: clock.now() + MINUTE_MS });
    await world.add('asha', 'news of the day');
    telegram.answerNext('sendMessage', 'hang up');
    await drain();
    clock.advance(MINUTE_MS);
    expect(await drain()).toBe(1);
    expect(texts()).toEqual(['news of the day']);
    expect(await statuses()).toEqual([
      ['failed', 'too_late'],
      ['sent', null],
    ]);
    await world.add('asha', 'never sent');
    telegram.refuseChat(CHAT, { error_code: 500, description: 'Internal Server Error' });
    for (let hour = 0; hour < 25; hour += 1) {
      clock.advance(60 * MINUTE_MS);
      await drain();
    }
    expect((await statuses()).at(-1)).toEqual(['failed', 'too_late']);
  });

  it('follows a group that got another id', async () => {
    telegram.refuseChat(CHAT, {
      error_code: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: -1001234 },
    });
    telegram.addChat('-1001234');
    await world.add('asha', 'one');
    expect(await drain()).toBe(1);
    expect(telegram.sent).toMatchObject([{ chatId: '-1001234', text: 'one' }]);
    expect(await world.botRow('asha')).toMatchObject({ chat_id: '-1001234' });
  });

  it('gives up what it has no readable token for', async () => {
    await database.db.updateTable('telegram_bots').set({ bot_token: 'no ciphertext' }).execute();
    await world.add('asha', 'one');
    expect(await drain()).toBe(0);
    expect(await statuses()).toEqual([['failed', 'unreadable']]);
  });

  it('keeps what happens after the caches were cleared, as at a cutoff', async () => {
    await world.add('asha', 'one');
    await drain();
    world.caches.clearAll();
    clock.advance(MINUTE_MS);
    await world.add('asha', 'two');
    expect(await drain()).toBe(1);
  });

  it('forgets after a week', async () => {
    await world.add('asha', 'one');
    await drain();
    clock.advance(7 * DAY_MS);
    await drain();
    expect(await world.messageRows()).toHaveLength(1);
    clock.advance(DAY_MS);
    await drain();
    expect(await world.messageRows()).toEqual([]);
  });

  it('adds a message with a key once, and the receipt that one waits for', async () => {
    await world.add('asha', 'one', { dedupeKey: 'k' });
    await world.add('asha', 'again', { dedupeKey: 'k' });
    await world.add('asha', 'ended', { awaits: 'sweep', sendAt: clock.now() + MINUTE_MS });
    await drain();
    expect(texts()).toEqual(['one']);
    clock.advance(2 * SECOND_MS);
    await world.messageStore.release('sweep', '\n✓ all', clock.now());
    await drain();
    expect(texts()).toEqual(['one', 'ended\n✓ all']);
    await world.messageStore.release('sweep', '\n✓ all', clock.now());
    expect((await world.messageRows()).at(-1)?.body).toBe('ended\n✓ all');
  });

  it('counts what waits and what was given up', async () => {
    await world.add('asha', 'one');
    expect(await world.messageStore.countOpenAndFailed()).toEqual({ open: 1, failed: 0 });
    telegram.refuseChat(CHAT, BLOCKED);
    await drain();
    expect(await world.messageStore.countOpenAndFailed()).toEqual({ open: 0, failed: 1 });
  });

  it('reads an index and not a week of messages when it looks for work', async () => {
    const explain = database.dialect === 'sqlite' ? 'explain query plan' : 'explain';
    const plan = await database.db.transaction().execute(async (trx) => {
      if (database.dialect === 'postgres') await sql`set local enable_seqscan = off`.execute(trx);
      const { rows } =
        await sql`${sql.raw(explain)} select distinct message.user_id from telegram_messages as message
        inner join telegram_bots as bot on bot.user_id = message.user_id
        where message.status = 'open' and message.send_at <= ${clock.now()} limit 8`.execute(trx);
      return JSON.stringify(rows);
    });
    expect(plan).toContain('telegram_messages_open');
  });
});

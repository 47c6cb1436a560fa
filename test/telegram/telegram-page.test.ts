import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { BLOCKED, startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { createVisitor, keptFormIn, PERSON, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { TOKEN } from './telegram-world.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

describe('the Telegram page', () => {
  let clock: SettableClock;
  let telegram: TelegramServer;
  let server: TestServer;
  let visitor: Visitor;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    telegram = await startTelegramServer(clock);
    telegram.addBot(TOKEN, 'asha_bot');
    telegram.addChat('4711');
    server = await startTestServer({ clock, env: { TELEGRAM_API_URL: telegram.url } });
    visitor = createVisitor(server.origin);
    await setUp(visitor);
    await signIn(visitor);
  });
  afterEach(async () => {
    await server.close();
    await telegram.close();
  });

  const submit = (path: string, fields: Readonly<Record<string, string>> = {}) =>
    visitor.submit(path, fields, '/telegram');
  const page = async () => (await visitor.get('/telegram')).text;
  const saveBot = () => submit('/telegram/bot', { botToken: TOKEN });
  const startCode = async () => /\/start ([\w-]+)/.exec(await page())?.[1] ?? '';

  it('is for those who are signed in, and its forms are the browser’s own', async () => {
    const stranger = createVisitor(server.origin);
    expect((await stranger.get('/telegram')).location).toContain('reason=login_required');
    expect((await visitor.post('/telegram/bot', { botToken: TOKEN })).status).toBe(403);
    expect((await visitor.get('/telegram/bot')).status).toBe(405);
  });

  it('takes a token that Telegram knows, and never shows it again', async () => {
    expect((await saveBot()).location).toBe('/telegram?notice=bot_saved');
    const text = await page();
    expect(text).toContain('@asha_bot');
    expect(text).toContain('https://t.me/asha_bot?start=');
    expect(text).not.toContain(TOKEN);
    const rows = JSON.stringify(
      await server.infrastructure.database.db.selectFrom('telegram_bots').selectAll().execute(),
    );
    expect(rows).not.toContain(TOKEN);
    expect(server.logText()).not.toContain(TOKEN);
  });

  it('wants the password again before more is written to a chat, and not before less is', async () => {
    await saveBot();
    const choose = (...events: readonly string[]) =>
      visitor.submit('/telegram/events', { events }, '/telegram');
    clock.advance(29 * MINUTE_MS);
    await visitor.get('/telegram');
    clock.advance(MINUTE_MS);
    expect((await choose('ban', 'alert')).location).toBe('/telegram?notice=events_saved');
    expect((await choose('ban', 'session_ended')).text).toContain('Choose what Telegram tells you');
    expect((await choose('ban')).location).toBe('/telegram?notice=events_saved');
    expect(keptFormIn(await choose('ban', 'alert'))).toBeDefined();
    await visitor.submit('/auth/confirm', { password: PERSON.password });
    expect((await choose('ban', 'alert')).location).toBe('/telegram?notice=events_saved');
  });

  it('refuses a token that Telegram does not know, and what is none', async () => {
    const wrong = await submit('/telegram/bot', { botToken: '1234567:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc' });
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('Telegram does not know this bot token');
    for (const botToken of [
      '',
      'hello',
      '123:short',
      `1234:../../${'a'.repeat(30)}`,
      `12 34:${'a'.repeat(35)}`,
    ]) {
      const answer = await submit('/telegram/bot', { botToken });
      expect(answer.status, botToken).toBe(400);
      expect(answer.text).toContain('Please correct this');
      if (botToken !== '') expect(answer.text).not.toContain(botToken);
    }
    expect(telegram.calls).toEqual(['getMe']);
    expect(await server.infrastructure.database.db.selectFrom('telegram_bots').selectAll().execute()).toEqual(
      [],
    );
  });

  it('keeps a token that cannot be checked now, and says so', async () => {
    telegram.answerNext('getMe', 'hang up');
    expect((await saveBot()).location).toBe('/telegram?notice=bot_unchecked');
    expect(await page()).not.toContain('t.me/asha_bot');
  });

  it('finds the chat of who sent the code, and of nobody else', async () => {
    await saveBot();
    telegram.say(TOKEN, 666, '/start');
    const nobody = await submit('/telegram/chat/detection');
    expect(nobody.text).toContain('Your code was not among');
    telegram.say(TOKEN, 4711, `/start ${await startCode()}`);
    expect((await submit('/telegram/chat/detection')).location).toBe('/telegram?notice=chat_found');
    expect(await page()).toContain('Chat 4711');
  });

  it('takes a chat id by hand, where it is one', async () => {
    await saveBot();
    for (const chatId of ['', 'me', '12e3', '-', '0', '@ab', '1'.repeat(30), '<b>']) {
      const answer = await submit('/telegram/chat', { chatId });
      expect(answer.status, chatId).toBe(400);
    }
    for (const chatId of ['-1001234567890', '@my_channel', ' 4711 ']) {
      expect((await submit('/telegram/chat', { chatId })).location).toBe('/telegram?notice=chat_saved');
      expect(await page()).toContain(`Chat ${chatId.trim()}`);
    }
  });

  it('sends a test, and says honestly how it went', async () => {
    await saveBot();
    await submit('/telegram/chat', { chatId: '4711' });
    expect((await submit('/telegram/test')).location).toBe('/telegram?notice=test_sent');
    expect(telegram.sent.map(({ text }) => text.split('\n')[0])).toEqual(['Curfew can write to you']);

    clock.advance(SECOND_MS);
    telegram.refuseChat('4711', BLOCKED);
    const blocked = await submit('/telegram/test');
    expect(blocked.status).toBe(200);
    expect(blocked.text).toContain('The test did not get through. You have blocked the bot');
    expect(await page()).toContain('The last message could not be delivered.');

    telegram.refuseChat('4711', undefined);
    expect((await submit('/telegram/test')).location).toBe('/telegram?notice=test_sent');
    expect(await page()).not.toContain('could not be delivered');
    telegram.answerNext('sendMessage', 'garbage');
    expect((await submit('/telegram/test')).text).toContain('Telegram could not be reached');
    telegram.answerNext('sendMessage', {
      error_code: 429,
      description: 'Too Many Requests: retry after 9',
      parameters: { retry_after: 9 },
    });
    expect((await submit('/telegram/test')).text).toContain('asked to wait');
  });

  it('asks Telegram ten times a minute at most for one person', async () => {
    await saveBot();
    for (let each = 0; each < 9; each += 1) await submit('/telegram/chat/detection');
    const answer = await submit('/telegram/chat/detection');
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('keeps the choice of events: all at first, any, or none', async () => {
    await saveBot();
    const chosen = async () =>
      [...(await page()).matchAll(/name="events" value="(\w+)"[^>]* checked/g)].map(([, kind]) => kind);
    expect(await chosen()).toHaveLength(7);
    await submit('/telegram/events', { events: 'cutoff_soon' });
    expect(await chosen()).toEqual(['cutoff_soon']);
    await submit('/telegram/events');
    expect(await chosen()).toEqual([]);
    expect((await submit('/telegram/events', { events: 'everything' })).status).toBe(400);
  });

  it('offers news of bans to administrators only', async () => {
    const person = { username: 'ravi', email: 'ravi@example.org', password: 'another-quiet-harbour-77' };
    await server.services.accounts.userAdmin.create({ ...person, role: 'user' }, { actor: 'test' });
    const ravi = createVisitor(server.origin);
    await signIn(ravi, person);
    await ravi.submit('/telegram/bot', { botToken: TOKEN }, '/telegram');
    await saveBot();
    expect(await page()).toContain('An address was banned');
    const { text } = await ravi.get('/telegram');
    expect(text).toContain('A signal was refused');
    expect(text).not.toContain('An address was banned');
  });

  it('needs a bot first', async () => {
    for (const [path, fields] of [
      ['/telegram/chat', { chatId: '4711' }],
      ['/telegram/events', { events: 'cutoff_soon' }],
    ] as const)
      expect((await submit(path, fields)).location).toBe('/telegram?notice=bot_needed');
    expect((await submit('/telegram/test')).text).toContain('did not get through');
    expect(telegram.calls).toEqual([]);
  });

  it('removes the bot, and what it was still to send', async () => {
    await saveBot();
    await submit('/telegram/chat', { chatId: '4711' });
    await submit('/telegram/bot/removal');
    expect(await page()).toContain('/newbot');
    expect(await server.infrastructure.database.db.selectFrom('telegram_bots').selectAll().execute()).toEqual(
      [],
    );
  });

  it('shows what became of the last messages', async () => {
    await saveBot();
    await submit('/telegram/chat', { chatId: '4711' });
    const other = createVisitor(server.origin);
    await signIn(other);
    expect(await page()).toContain('Waiting');
    telegram.refuseChat('4711', BLOCKED);
    await server.services.telegram.queue.drain();
    const text = await page();
    expect(text).toContain('Sign-in from a new device');
    expect(text).toContain('Failed');
    expect(text).toContain('You have blocked the bot');
  });
});

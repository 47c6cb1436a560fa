import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BotApi, createBotApi } from '../../src/telegram/bot-api.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { BLOCKED, startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { CHAT, TOKEN } from './telegram-world.ts';

describe('Telegram’s Bot API', () => {
  let clock: SettableClock;
  let telegram: TelegramServer;
  let api: BotApi;

  beforeEach(async () => {
    clock = createSettableClock('2026-11-23T10:00:00+05:30');
    telegram = await startTelegramServer(clock);
    telegram.addBot(TOKEN, 'asha_bot');
    telegram.addChat(CHAT);
    api = createBotApi({ apiRoot: telegram.url });
  });
  afterEach(() => telegram.close());

  const send = (html = 'Hello', botToken = TOKEN, chatId = CHAT) => api.send({ botToken, chatId, html });

  it('takes a message', async () => {
    expect(await send('<b>A &amp; B</b> &lt;3')).toEqual({ kind: 'sent' });
    expect(telegram.sent).toMatchObject([{ token: TOKEN, chatId: CHAT, text: 'A & B <3' }]);
  });

  it('says how long to wait', async () => {
    telegram.answerNext('sendMessage', {
      error_code: 429,
      description: 'Too Many Requests: retry after 35',
      parameters: { retry_after: 35 },
    });
    expect(await send()).toEqual({ kind: 'wait', waitMs: 35_000 });
    telegram.answerNext('sendMessage', { error_code: 429, description: 'Too Many Requests' });
    expect(await send()).toEqual({ kind: 'wait', waitMs: 5000 });
  });

  it.each([
    [{ error_code: 401, description: 'Unauthorized' }, 'bad_token'],
    [{ error_code: 404, description: 'Not Found' }, 'bad_token'],
    [BLOCKED, 'blocked'],
    [
      { error_code: 403, description: "Forbidden: bot can't initiate conversation with a user" },
      'not_started',
    ],
    [{ error_code: 403, description: 'Forbidden: bot was kicked from the group chat' }, 'not_in_group'],
    [{ error_code: 403, description: 'Forbidden: user is deactivated' }, 'account_gone'],
    [{ error_code: 400, description: 'Bad Request: chat not found' }, 'chat_not_found'],
    [{ error_code: 400, description: 'Bad\u0007 Request: something new' }, 'Bad  Request: something new'],
  ])('refuses for a reason that a person can be told: %j', async (refusal, why) => {
    telegram.answerNext('sendMessage', refusal);
    expect(await send()).toEqual({ kind: 'refused', why });
  });

  it('tells where a group has gone', async () => {
    telegram.answerNext('sendMessage', {
      error_code: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: -1001234 },
    });
    expect(await send()).toEqual({ kind: 'moved', chatId: '-1001234' });
  });

  it.each(['hang up', 'garbage', 'never'] as const)('may be out of reach: %s', async (answer) => {
    telegram.answerNext('sendMessage', answer);
    api = createBotApi({ apiRoot: telegram.url, timeoutMs: 200 });
    expect(await send()).toEqual({ kind: 'unreachable' });
  });

  it('may be in trouble itself', async () => {
    telegram.answerNext('sendMessage', { error_code: 500, description: 'Internal Server Error' });
    expect(await send()).toEqual({ kind: 'unreachable' });
    await telegram.close();
    expect(await send()).toEqual({ kind: 'unreachable' });
    telegram = await startTelegramServer(clock);
  });

  it('says whose token it is, or that it is nobody’s', async () => {
    expect(await api.describeBot(TOKEN)).toEqual({ kind: 'ok', name: 'asha_bot' });
    expect(await api.describeBot('987654321:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc')).toEqual({
      kind: 'refused',
      why: 'bad_token',
    });
  });

  it('finds the chat that sent the code, and no other', async () => {
    expect(await api.findChat(TOKEN, 'the-code')).toEqual({ kind: 'not_found' });
    telegram.say(TOKEN, 1, '/start');
    telegram.say(TOKEN, 2, '/start another-code');
    telegram.say(TOKEN, 3, 'the-code');
    telegram.say(TOKEN, 4, 'say /start the-code');
    expect(await api.findChat(TOKEN, 'the-code')).toEqual({ kind: 'not_found' });
    telegram.say(TOKEN, 5, '/start the-code');
    expect(await api.findChat(TOKEN, 'the-code')).toEqual({ kind: 'found', chatId: '5' });
    telegram.say(TOKEN, -1006, '/start@asha_bot the-code');
    expect(await api.findChat(TOKEN, 'the-code')).toEqual({ kind: 'found', chatId: '-1006' });
  });

  it('cannot tell what a bot was sent that another program listens to', async () => {
    telegram.answerNext('getUpdates', {
      error_code: 409,
      description: "Conflict: can't use getUpdates method while webhook is active",
    });
    expect(await api.findChat(TOKEN, 'the-code')).toEqual({ kind: 'refused', why: 'used_elsewhere' });
  });
});

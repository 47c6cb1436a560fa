import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/storage/database.ts';
import { DATABASES } from '../support/databases.ts';
import type { SettableClock } from '../support/settable-clock.ts';
import type { TelegramServer } from '../support/telegram-server.ts';
import { CHAT, ORIGIN, openTelegramWorld, type TelegramWorld, TOKEN } from './telegram-world.ts';

const OTHER_TOKEN = '987654321:BBEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc';
const MINUTE_MS = 60_000;

describe.each(DATABASES)('People’s bots on %s', (_name, open) => {
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
  });
  afterEach(() => telegram.close());

  const find = async (userId = 'asha') => {
    const bot = await world.bots.find(userId);
    if (bot === undefined) throw new Error('There is no bot');
    return bot;
  };

  it('have a token that is stored encrypted, and whatever can be said of it', async () => {
    await world.giveBot('asha');
    expect(JSON.stringify(await world.botRow('asha'))).not.toContain(TOKEN.slice(10));
    expect(await find()).toMatchObject({ name: 'asha_bot', chatId: CHAT, problem: undefined });
    expect(await world.bots.tokenOf(await find())).toBe(TOKEN);
    expect(await world.bots.find('ravi')).toBeUndefined();
    expect(world.audit.events).toEqual([
      { type: 'telegram.bot_saved', userId: 'asha', bot: 'asha_bot' },
      { type: 'telegram.chat_saved', userId: 'asha', chat: CHAT },
    ]);
  });

  it('are decrypted once, and read from the cache from then on', async () => {
    await world.giveBot('asha');
    for (let each = 0; each < 3; each += 1) await world.bots.tokenOf(await find());
    expect(world.counted.decryptions).toBe(1);
    expect(world.caches.of.telegram.size).toBe(1);
    world.caches.clearUser('asha');
    expect(world.caches.of.telegram.size).toBe(0);
    expect(await world.bots.tokenOf(await find())).toBe(TOKEN);
    expect(world.counted.decryptions).toBe(2);
  });

  it('are not kept in the cache for somebody who is signed out', async () => {
    await world.giveBot('asha');
    world.signedIn.delete('asha');
    expect(await world.bots.tokenOf(await find())).toBe(TOKEN);
    expect(world.caches.of.telegram.size).toBe(0);
  });

  it('never serve a token that was replaced or removed, though another node heard nothing of it', async () => {
    await world.giveBot('asha');
    const deaf = world.createNode();
    await deaf.bots.tokenOf(await find());
    await world.bots.saveToken('asha', { botToken: OTHER_TOKEN, name: undefined }, ORIGIN);
    expect(deaf.caches.of.telegram.size).toBe(1);
    expect(await deaf.bots.tokenOf(await find())).toBe(OTHER_TOKEN);
    await world.bots.remove('asha', ORIGIN);
    await world.bots.saveToken('asha', { botToken: TOKEN, name: undefined }, ORIGIN);
    expect(await deaf.bots.tokenOf(await find())).toBe(TOKEN);
  });

  it('keep chat and choice when they get another token, and lose what was wrong', async () => {
    await world.giveBot('asha');
    await world.bots.saveKinds('asha', ['cutoff_soon'], ORIGIN);
    await world.botStore.saveTest('asha', 'blocked', 0);
    const { linkCode } = await find();
    await world.bots.saveToken('asha', { botToken: OTHER_TOKEN, name: 'other_bot' }, ORIGIN);
    expect(await find()).toMatchObject({
      name: 'other_bot',
      chatId: CHAT,
      kinds: ['cutoff_soon'],
      linkCode,
      problem: undefined,
    });
  });

  it('cannot be read with the keys of another purpose, nor with lost ones', async () => {
    await world.giveBot('asha');
    const foreign = Buffer.alloc(100, 3).toString('base64url');
    await database.db.updateTable('telegram_bots').set({ bot_token: foreign }).execute();
    expect(await world.bots.tokenOf(await find())).toBeUndefined();
    expect(world.audit.events.at(-1)).toEqual({ type: 'telegram.bot_unreadable', userId: 'asha' });
  });

  it('go with everything that they were still to send', async () => {
    await world.giveBot('asha');
    await world.giveBot('ravi', { token: OTHER_TOKEN, chat: '4712' });
    await world.add('asha', 'one');
    await world.add('ravi', 'two');
    await world.bots.remove('asha', ORIGIN);
    await world.bots.remove('asha', ORIGIN);
    expect(await world.bots.find('asha')).toBeUndefined();
    expect((await world.messageRows()).map(({ body }) => body)).toEqual(['two']);
    expect(world.audit.events.filter(({ type }) => type === 'telegram.bot_removed')).toHaveLength(1);
    expect(await world.bots.saveChat('asha', '1', ORIGIN)).toBe(false);
    expect(await world.bots.saveKinds('asha', [], ORIGIN)).toBe(false);
  });

  it('are listed with what they are to tell, once they know where', async () => {
    await world.giveBot('asha');
    await world.bots.saveToken('ravi', { botToken: OTHER_TOKEN, name: undefined }, ORIGIN);
    const everybody = ['asha', 'ravi', ...Array.from({ length: 700 }, (_, each) => `user-${each}`)];
    for (const among of [['asha', 'ravi'], everybody])
      expect((await world.botStore.listSubscriptions(among)).map(({ userId }) => userId)).toEqual(['asha']);
    expect(await world.botStore.listSubscriptions(['ravi'])).toEqual([]);
    expect(await world.botStore.listSubscriptions([])).toEqual([]);
  });

  it('are claimed by one node each, and given up when a node died', async () => {
    await world.giveBot('asha');
    await world.add('asha', 'one');
    const claim = () => world.botStore.claimDue({ now: clock.now(), limit: 5, leaseMs: MINUTE_MS });
    const both = (await Promise.all([claim(), claim()])).flat();
    expect(both).toHaveLength(1);
    clock.advance(MINUTE_MS - 1);
    expect(await claim()).toEqual([]);
    clock.advance(1);
    const [later] = await claim();
    expect(later?.userId).toBe('asha');
    const [first] = both;
    if (first !== undefined)
      await world.botStore.settle(first, { nextSendAt: 0, problem: 'blocked', failures: 9 });
    expect(await world.botRow('asha')).toMatchObject({ problem: null, failures: 0 });
  });

  it('are claimed by one of many nodes, however often they come to it at the same time', async () => {
    await world.giveBot('asha');
    await world.add('asha', 'one');
    for (let round = 0; round < 20; round += 1) {
      const claim = () => world.botStore.claimDue({ now: clock.now(), limit: 5, leaseMs: MINUTE_MS });
      expect((await Promise.all(Array.from({ length: 8 }, claim))).flat()).toHaveLength(1);
      clock.advance(MINUTE_MS);
    }
  });

  it('are not claimed at once after a message that somebody sent past the queue, nor earlier than before', async () => {
    await world.giveBot('asha');
    await world.add('asha', 'one');
    const claim = () => world.botStore.claimDue({ now: clock.now(), limit: 5, leaseMs: MINUTE_MS });
    await world.botStore.saveTest('asha', undefined, clock.now() + 1000);
    expect(await claim()).toEqual([]);
    clock.advance(1000);
    expect(await claim()).toHaveLength(1);
    await world.botStore.saveTest('asha', undefined, clock.now() + 1000);
    clock.advance(1000);
    expect(await claim()).toEqual([]);
  });

  it('are not claimed without a chat, without a message, or before the message’s time', async () => {
    const claim = () => world.botStore.claimDue({ now: clock.now(), limit: 5, leaseMs: MINUTE_MS });
    await world.bots.saveToken('asha', { botToken: TOKEN, name: undefined }, ORIGIN);
    await world.add('asha', 'one', { sendAt: clock.now() + MINUTE_MS });
    clock.advance(MINUTE_MS);
    expect(await claim()).toEqual([]);
    await world.bots.saveChat('asha', CHAT, ORIGIN);
    clock.advance(-1);
    expect(await claim()).toEqual([]);
    clock.advance(1);
    expect(await claim()).toHaveLength(1);
  });
});

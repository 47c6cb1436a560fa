import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import type { Receipt } from '../../src/core/revocation.ts';
import type { Database } from '../../src/storage/database.ts';
import { addUser, openMemory } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { createTelegramWorld, ORIGIN, type TelegramWorld } from './telegram-world.ts';

const MINUTE_MS = 60_000;
const rejected = (userId: string): AuditEvent => ({ type: 'broker.token_rejected', userId, broker: 'kite' });
const ended = (userId: string): AuditEvent => ({
  type: 'session.ended',
  userId,
  reason: 'cutoff',
  sessions: 1,
});

describe('What is recorded', () => {
  let database: Database;
  let clock: SettableClock;
  let telegram: TelegramServer;
  let world: TelegramWorld;

  beforeEach(async () => {
    database = await openMemory();
    for (const userId of ['asha', 'ravi', 'meera']) await addUser(database, userId);
    clock = createSettableClock('2026-11-24T03:00:00+05:30');
    telegram = await startTelegramServer(clock);
    world = createTelegramWorld(database, telegram, clock);
    await world.giveBot('asha');
    await world.giveBot('ravi', { token: `777:${'b'.repeat(35)}`, chat: '4712' });
  });
  afterEach(async () => {
    await telegram.close();
    await database.close();
  });

  const tell = (...events: AuditEvent[]) => world.listener(events, ORIGIN);
  const waiting = async () => (await world.messageRows()).map(({ user_id, kind }) => [user_id, kind]);

  it('becomes a message to those who want to hear of it', async () => {
    await world.bots.saveKinds('ravi', ['cutoff_soon'], ORIGIN);
    await tell(rejected('asha'), rejected('ravi'), rejected('meera'));
    expect(await waiting()).toEqual([['asha', 'broker_rejected']]);
    await world.queue.drain();
    expect(telegram.sent.map(({ text }) => text.split('\n')[0])).toEqual(['Zerodha rejected the connection']);
  });

  it('becomes a message to administrators where it concerns them', async () => {
    await tell({
      type: 'ban.added',
      subject: '203.0.113.9',
      reason: 'suspicious_paths',
      note: '',
      offence: 1,
      until: 'permanent',
    });
    expect(await waiting()).toEqual([['ravi', 'ban']]);
  });

  it('is nothing to somebody whose bot does not know where to write to', async () => {
    await database.db.updateTable('telegram_bots').set({ chat_id: null }).execute();
    await tell(rejected('asha'));
    expect(await waiting()).toEqual([]);
  });

  it('of a sweep waits for the receipt, and takes it along', async () => {
    const receipt: Receipt = {
      orderId: 'o',
      reason: 'cutoff',
      scope: 'sweep',
      userId: undefined,
      orderedAt: clock.now(),
      status: 'done',
      lines: [{ step: 'sessions', status: 'done', count: 4711, detail: '900 people', ms: 1 }],
    };
    await tell(ended('asha'), ended('ravi'), ended('meera'));
    await world.queue.drain();
    expect(telegram.sent).toEqual([]);
    await tell({ type: 'revocation.carried_out', receipt });
    await world.queue.drain();
    expect(telegram.sent.map(({ text }) => text).sort()).toEqual(
      Array(2).fill(
        'The daily cutoff\nYour session has ended, and your broker connections with it.\n✓ Sessions ended in the store',
      ),
    );
  });

  it('of a sweep goes without the receipt when that does not come', async () => {
    await tell(ended('asha'));
    clock.advance(MINUTE_MS);
    await world.queue.drain();
    expect(telegram.sent.map(({ text }) => text.split('\n')[0])).toEqual(['The daily cutoff']);
  });

  it('of a sweep over ten thousand people is a message to the few who have a bot', async () => {
    await tell(...Array.from({ length: 10_000 }, (_, each) => ended(`user-${each}`)), ended('asha'));
    expect(await waiting()).toEqual([['asha', 'session_ended']]);
  });
});

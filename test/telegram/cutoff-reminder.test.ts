import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import type { Database } from '../../src/storage/database.ts';
import { createCutoffReminder } from '../../src/telegram/cutoff-reminder.ts';
import { addUser, DATABASES } from '../support/databases.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { createTelegramWorld, ORIGIN, type TelegramWorld } from './telegram-world.ts';

const MINUTE_MS = 60_000;
const CUTOFF = Date.parse('2026-11-24T03:00:00+05:30');

describe.each(DATABASES)('The reminder of the cutoff on %s', (_name, open) => {
  let database: Database;
  let clock: SettableClock;
  let telegram: TelegramServer;
  let world: TelegramWorld;
  let alertMinutes: Record<string, number>;
  let signedIn: Set<string>;
  let cutoffTime: { hour: number; minute: number } | 'off';

  beforeEach(async () => {
    database = await open();
    clock = createSettableClock(CUTOFF - 60 * MINUTE_MS);
    telegram = await startTelegramServer(clock);
    world = createTelegramWorld(database, telegram, clock);
    alertMinutes = { asha: 15, ravi: 5 };
    signedIn = new Set(['asha', 'ravi']);
    cutoffTime = { hour: 3, minute: 0 };
    await addUser(database, 'asha');
    await addUser(database, 'ravi');
    await world.giveBot('asha');
    await world.giveBot('ravi', { token: `777:${'b'.repeat(35)}`, chat: '4712' });
  });
  afterEach(async () => {
    await telegram.close();
    await database.close();
  });

  const createReminder = () =>
    createCutoffReminder({
      ...world,
      calendar: createCutoffCalendar({ clock, cutoffTime: () => cutoffTime }),
      wakeMessages: () => undefined,
      alertMinutesOf: async (userId) => alertMinutes[userId] ?? 0,
      isSignedIn: async (userId) => signedIn.has(userId),
    });
  const minutesBefore = (minutes: number) => clock.set(CUTOFF - minutes * MINUTE_MS);
  const bodies = async () => (await world.messageRows()).map(({ user_id, body }) => [user_id, body]);

  it('comes as many minutes before as each one chose, once', async () => {
    const reminder = createReminder();
    minutesBefore(15 + 1 / MINUTE_MS);
    expect(await reminder.run()).toBe(0);
    minutesBefore(15);
    expect(await reminder.run()).toBe(1);
    expect(await reminder.run()).toBe(0);
    minutesBefore(5);
    expect(await reminder.run()).toBe(1);
    expect(await reminder.run()).toBe(0);
    expect(await bodies()).toEqual([
      ['asha', expect.stringContaining('The cutoff is in 15 minutes')],
      ['ravi', expect.stringContaining('The cutoff is in 5 minutes')],
    ]);
    expect((await bodies())[0]?.[1]).toContain('At 03:00 IST');
    clock.set(CUTOFF + 86_400_000 - 5 * MINUTE_MS);
    expect(await reminder.run()).toBe(2);
  });

  it('comes once from three nodes', async () => {
    minutesBefore(1);
    await Promise.all([createReminder().run(), createReminder().run(), createReminder().run()]);
    expect(await bodies()).toHaveLength(2);
  });

  it('comes late to who signs in late, and says what is left then', async () => {
    signedIn.delete('asha');
    minutesBefore(15);
    const reminder = createReminder();
    expect(await reminder.run()).toBe(0);
    signedIn.add('asha');
    minutesBefore(9.5);
    expect(await reminder.run()).toBe(1);
    expect((await bodies())[0]?.[1]).toContain('in 10 minutes');
  });

  it('comes to nobody who wants none, in Settings or among the events', async () => {
    alertMinutes['asha'] = 0;
    await world.bots.saveKinds('ravi', ['new_device'], ORIGIN);
    minutesBefore(1);
    expect(await createReminder().run()).toBe(0);
  });

  it('is dropped when it could not be sent before the cutoff', async () => {
    minutesBefore(5);
    await createReminder().run();
    clock.set(CUTOFF);
    await world.queue.drain();
    expect(telegram.sent).toEqual([]);
    expect((await world.messageRows()).map(({ why }) => why)).toEqual(['too_late', 'too_late']);
  });

  it('is none where there is no cutoff', async () => {
    cutoffTime = 'off';
    minutesBefore(1);
    expect(await createReminder().run()).toBe(0);
  });
});

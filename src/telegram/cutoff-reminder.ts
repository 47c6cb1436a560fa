import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { toIstIso } from '../core/ist.ts';
import type { Log } from '../core/log.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import { ALERT_MINUTES } from '../core/user-settings.ts';
import type { BotStore } from './bot-store.ts';
import { cutoffSoon } from './event-messages.ts';
import type { MessageStore } from './message-store.ts';

export interface CutoffReminderDeps {
  readonly botStore: Pick<BotStore, 'listWithoutMessage'>;
  readonly messageStore: Pick<MessageStore, 'add'>;
  readonly wakeMessages: () => void;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  /** How many minutes before the cutoff a user wants to be warned; 0 for not at all. */
  readonly alertMinutesOf: (userId: string) => Promise<number>;
  readonly isSignedIn: (userId: string) => Promise<boolean>;
  readonly log: Log;
}

export interface CutoffReminder extends Pick<Poller, 'start' | 'stop'> {
  /** Tells those whose time has come; returns how many. Each is told once of a cutoff, however many nodes do it. */
  run(): Promise<number>;
}

const POLL_MS = 10 * SECOND_MS;
const EARLIEST_MS = Math.max(...ALERT_MINUTES) * MINUTE_MS;

export function createCutoffReminder(deps: CutoffReminderDeps): CutoffReminder {
  const { botStore, messageStore, wakeMessages, calendar, clock, alertMinutesOf, isSignedIn, log } = deps;
  const poller = createPoller({
    intervalMs: POLL_MS,
    work: run,
    onError: (error) => log.error({ err: error }, 'Could not send cutoff reminders'),
  });

  return { run, start: poller.start, stop: poller.stop };

  async function run(): Promise<number> {
    const cutoff = calendar.next();
    if (cutoff - clock.now() > EARLIEST_MS) return 0;
    const keyPrefix = `cutoff:${cutoff}:`;
    const people = await botStore.listWithoutMessage('cutoff_soon', keyPrefix);
    const due = [];
    for (const userId of people) if (await isDue(userId, cutoff)) due.push(userId);
    if (due.length === 0) return 0;
    const now = clock.now();
    const body = cutoffSoon(Math.ceil((cutoff - now) / MINUTE_MS), toIstIso(cutoff).slice(11, 16));
    const messages = due.map((userId) => ({
      userId,
      kind: 'cutoff_soon',
      body,
      sendAt: now,
      expiresAt: cutoff,
      dedupeKey: `${keyPrefix}${userId}`,
    }));
    await messageStore.add(messages, now);
    wakeMessages();
    return due.length;
  }

  async function isDue(userId: string, cutoff: number): Promise<boolean> {
    if (!(await isSignedIn(userId))) return false;
    return cutoff - clock.now() <= (await alertMinutesOf(userId)) * MINUTE_MS;
  }
}

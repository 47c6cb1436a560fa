import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { startOfIstDay } from '../core/ist.ts';

/** A signal as the dashboard lists it. */
export interface DashboardSignal {
  readonly strategyId: string;
  readonly strategyName: string;
  readonly receivedAt: number;
  /** `Buy 10 NSE:SBIN (MIS)`; undefined where the message could not be read. */
  readonly text: string | undefined;
  readonly outcome: 'accepted' | 'refused';
  readonly why: string | undefined;
}

export interface DashboardSignals {
  readonly accepted: number;
  readonly refused: number;
  /** Newest first. */
  readonly latest: readonly DashboardSignal[];
}

/** An API key as the dashboard needs it. */
export interface UsedKey {
  readonly id: string;
  readonly name: string;
  /** `at` in ms since the epoch. */
  readonly lastUsed: { readonly at: number; readonly address: string } | undefined;
}

export interface DayOfWorkDeps {
  readonly clock: Clock;
  readonly calendar: CutoffCalendar;
  /** A person's signals since an instant, tests aside, with so many of the latest. */
  readonly signalsSince: (userId: string, since: number, limit: number) => Promise<DashboardSignals>;
  readonly keysOf: (userId: string) => Promise<readonly UsedKey[]>;
}

const SHOWN_SIGNALS = 5;

/** Above the longest wait of a poll, and above what the use of a key is written late. */
const RUNNING_MS = 2 * MINUTE_MS;

/** Activity of a user's strategies and programs since the cutoff; without one, since midnight. */
export function createDayOfWork({ clock, calendar, signalsSince, keysOf }: DayOfWorkDeps) {
  return async function readDayOfWork(userId: string) {
    const now = clock.now();
    const since = Number.isFinite(calendar.last()) ? calendar.last() : startOfIstDay(now);
    const [signals, keys] = await Promise.all([signalsSince(userId, since, SHOWN_SIGNALS), keysOf(userId)]);
    const programs = keys
      .flatMap(({ id, name, lastUsed }) =>
        lastUsed === undefined || lastUsed.at < since
          ? []
          : [{ id, name, ...lastUsed, isRunning: now - lastUsed.at < RUNNING_MS }],
      )
      .toSorted((a, b) => b.at - a.at);
    return { signals, programs };
  };
}

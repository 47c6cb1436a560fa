import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { FeedEvent } from '../core/feed-event.ts';
import { toIstIso } from '../core/ist.ts';
import type { Log } from '../core/log.ts';
import { createTimer } from '../core/timer.ts';
import type { Job } from '../http/feature.ts';
import type { SocketRegistry } from '../sessions/socket-registry.ts';
import type { Bus } from '../storage/bus.ts';

export interface FeedEventsDeps {
  readonly sockets: SocketRegistry;
  readonly bus: Pick<Bus, 'publish' | 'onMessage'>;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  readonly log: Log;
  /** How many minutes before the cutoff a user wants to be warned; 0 for not at all. */
  readonly alertMinutesOf: (userId: string) => Promise<number>;
}

export interface FeedEvents {
  /** Tells all sockets of a user, on every node. An event is lost where a message between nodes is. Never rejects. */
  tell(userId: string, event: FeedEvent): Promise<void>;
  /** Tells the sockets of this node. */
  tellHere(userId: string, event: FeedEvent): void;
  /** Warns of the cutoff where a warning is due; returns how many sockets were told. */
  warnOfCutoff(): Promise<number>;
  readonly job: Job;
}

/** Minutes before the cutoff. */
const WARNINGS = [10, 2] as const;

export function createFeedEvents(deps: FeedEventsDeps): FeedEvents {
  const { sockets, bus, calendar, clock, log, alertMinutesOf } = deps;
  let warnedUntil = clock.now();

  function tellHere(userId: string, event: FeedEvent): number {
    const told = { ...event, time: toIstIso(clock.now()) };
    const listening = [...sockets.of(userId)].filter(({ tell }) => tell !== undefined);
    for (const socket of listening) socket.tell?.(told);
    return listening.length;
  }

  /** When the next warning is due; Infinity without a cutoff. */
  function nextWarning(): number {
    const cutoff = calendar.next();
    return Math.min(
      ...WARNINGS.map((minutes) => cutoff - minutes * MINUTE_MS).filter((at) => at > warnedUntil),
      cutoff,
    );
  }

  async function warnOfCutoff(): Promise<number> {
    const now = clock.now();
    const left = calendar.next() - now;
    // After a sleep over several, only the one that still holds.
    const minutes = WARNINGS.filter((each) => left <= each * MINUTE_MS).at(-1);
    const isDue = minutes !== undefined && calendar.next() - minutes * MINUTE_MS > warnedUntil;
    warnedUntil = now;
    if (!isDue) return 0;
    let told = 0;
    for (const userId of sockets.userIds())
      if (await wantsWarning(userId)) told += tellHere(userId, { event: 'cutoff_soon', minutes });
    return told;
  }

  /** Where that cannot be read the user is warned: one warning too many does less harm than one that is missing. */
  async function wantsWarning(userId: string): Promise<boolean> {
    try {
      return (await alertMinutesOf(userId)) > 0;
    } catch (err) {
      log.warn({ err, userId }, 'Whether a user wants warnings could not be read; they are warned');
      return true;
    }
  }

  bus.onMessage((message) => {
    if (message.kind === 'sockets.event') tellHere(message.userId, message.event);
    if (message.kind === 'signals.arrived') tellHere(message.userId, { event: 'signal_received' });
  });

  const timer = createTimer({
    clock,
    at: nextWarning,
    ring: () =>
      warnOfCutoff().then(
        () => undefined,
        (err: unknown) => log.warn({ err }, 'Open pages could not be warned of the cutoff'),
      ),
  });

  return {
    async tell(userId, event) {
      tellHere(userId, event);
      await bus
        .publish({ kind: 'sockets.event', userId, event })
        .catch((err: unknown) => log.debug({ err }, 'Sockets on other nodes could not be told of an event'));
    },
    tellHere: (userId, event) => void tellHere(userId, event),
    warnOfCutoff,
    job: { start: timer.start, stop: async () => timer.stop() },
  };
}

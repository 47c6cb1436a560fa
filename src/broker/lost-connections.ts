import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS } from '../core/duration.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import { type Connection, type WhyNotConnected, whyNotConnected } from './connection.ts';
import { ENDING_LABELS } from './ending-labels.ts';
import { LOOK_BACK_MS, type RecentConnections } from './recent-connections.ts';

/** A broker that a person worked with and that is not connected now. */
export interface LostConnection {
  readonly id: string;
  readonly name: string;
  /** Why, in words, without a full stop. */
  readonly why: string;
}

export interface LostConnectionsDeps {
  readonly recentConnections: RecentConnections;
  readonly adapters: BrokerAdapters;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

/** `request`: the one that the page answers, which may need the same connections for itself. */
export type FindLostConnections = (userId: string, request?: object) => Promise<readonly LostConnection[]>;

/** Ends that the person wanted, and those that another connection has made up for. */
const NO_LOSS: ReadonlySet<WhyNotConnected> = new Set(['disconnected', 'replaced']);

/**
 * Finds the brokers that a person was connected to today, or on the last day before it that they connected any, and is
 * not now; not those that they disconnected themselves.
 */
export function createLostConnections(deps: LostConnectionsDeps): FindLostConnections {
  const { recentConnections, adapters, calendar, clock } = deps;

  return async function findLostConnections(userId, request) {
    const recent = await recentConnections(userId, request);
    if (recent.length === 0) return [];
    const now = clock.now();
    const lastCutoff = calendar.last();
    const since = lastSessionBegan(recent, lastCutoff, now);
    return [...adapters.values()].flatMap(({ id, name }) => {
      const latest = recent.find((connection) => connection.broker === id);
      if (latest === undefined || latest.issuedAt < since) return [];
      const why = whyNotConnected(latest, { now, lastCutoff, epoch: latest.userEpoch });
      return why === undefined || NO_LOSS.has(why) ? [] : [{ id, name, why: ENDING_LABELS[why] }];
    });
  };
}

/**
 * When the trading day began on which the person last connected a broker before today. Indian days all have 24 hours,
 * so trading days lie whole days apart. Without a cutoff there are no days: then it is the last 24 hours.
 */
function lastSessionBegan(recent: readonly Connection[], lastCutoff: number, now: number): number {
  if (!Number.isFinite(lastCutoff)) return now - DAY_MS;
  const earlier = recent
    .map(({ issuedAt }) => issuedAt)
    .filter((issuedAt) => issuedAt < lastCutoff && issuedAt >= now - LOOK_BACK_MS);
  if (earlier.length === 0) return lastCutoff;
  return lastCutoff - Math.ceil((lastCutoff - Math.max(...earlier)) / DAY_MS) * DAY_MS;
}

import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { DAY_MS } from '../core/duration.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import { type Connection, type WhyNotConnected, whyNotConnected } from './connection.ts';
import { ENDING_WORDS } from './ending-words.ts';
import type { TokenStore } from './token-store.ts';

/** A broker that a person worked with and that is not connected now. */
export interface LostConnection {
  readonly id: string;
  readonly name: string;
  /** Why, in words, without a full stop. */
  readonly why: string;
}

export interface LostConnectionsDeps {
  readonly tokens: Pick<TokenStore, 'listIssuedSince'>;
  readonly adapters: BrokerAdapters;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

/** `epoch` is that of the person's live session. */
export type FindLostConnections = (userId: string, epoch: number) => Promise<readonly LostConnection[]>;

/** Longer than any run of holidays on which the exchanges are closed. */
const LOOK_BACK_MS = 10 * DAY_MS;

/** Ends that the person wanted, and those that another connection has made up for. */
const NO_LOSS: ReadonlySet<WhyNotConnected> = new Set(['disconnected', 'replaced']);

/**
 * Finds the brokers that a person was connected to today, or on the last day before it that they connected any, and is
 * not now; not those that they disconnected themselves. One query, since every page asks it.
 */
export function createLostConnections(deps: LostConnectionsDeps): FindLostConnections {
  const { tokens, adapters, calendar, clock } = deps;

  return async function findLostConnections(userId, epoch) {
    const now = clock.now();
    const moment = { now, lastCutoff: calendar.last(), epoch };
    const recent = await tokens.listIssuedSince(userId, now - LOOK_BACK_MS);
    const since = lastSessionBegan(recent, moment.lastCutoff, now);
    return [...adapters.values()].flatMap(({ id, name }) => {
      const latest = recent.find((connection) => connection.broker === id);
      if (latest === undefined || latest.issuedAt < since) return [];
      const why = whyNotConnected(latest, moment);
      return why === undefined || NO_LOSS.has(why) ? [] : [{ id, name, why: ENDING_WORDS[why] }];
    });
  };
}

/**
 * When the trading day began on which the person last connected a broker before today. Indian days all have 24 hours,
 * so trading days lie whole days apart. Without a cutoff there are no days: then it is the last 24 hours.
 */
function lastSessionBegan(recent: readonly Connection[], lastCutoff: number, now: number): number {
  if (!Number.isFinite(lastCutoff)) return now - DAY_MS;
  const earlier = recent.map(({ issuedAt }) => issuedAt).filter((issuedAt) => issuedAt < lastCutoff);
  if (earlier.length === 0) return lastCutoff;
  return lastCutoff - Math.ceil((lastCutoff - Math.max(...earlier)) / DAY_MS) * DAY_MS;
}

import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { formatIst } from '../core/ist.ts';
import type { EpochStore } from '../sessions/epoch-store.ts';
import type { BrokerAdapter, BrokerAdapters } from './broker-adapter.ts';
import { type Connection, type WhyNotConnected, whyNotConnected } from './connection.ts';
import type { TokenStore } from './token-store.ts';

/** A broker and a person's connection to it, as a page shows them. Instants in ms since the epoch. */
export interface BrokerView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly state: 'connected' | 'expired' | 'rejected' | 'disconnected';
  readonly stateText: string;
  readonly connectedAt?: number;
  /** The next cutoff, or the broker's own limit where that is earlier. */
  readonly endsAt?: number;
}

export interface BrokerOverview {
  of(userId: string): Promise<readonly BrokerView[]>;
}

export interface BrokerOverviewDeps {
  readonly tokens: Pick<TokenStore, 'findLatest'>;
  readonly adapters: BrokerAdapters;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

export function createBrokerOverview(deps: BrokerOverviewDeps): BrokerOverview {
  const { tokens, adapters, epochs, calendar, clock } = deps;

  return {
    async of(userId) {
      const epoch = await epochs.current(userId);
      return Promise.all(
        [...adapters.values()].map(async (adapter) =>
          toView(adapter, await tokens.findLatest(userId, adapter.id), epoch),
        ),
      );
    },
  };

  function toView(adapter: BrokerAdapter, connection: Connection | undefined, epoch: number): BrokerView {
    const { id, name, description } = adapter;
    const moment = { now: clock.now(), lastCutoff: calendar.last(), epoch };
    const why = whyNotConnected(connection, moment);
    if (connection === undefined || why !== undefined)
      return { id, name, description, ...describeEnd(why ?? 'not_connected') };
    const endsAt = Math.min(calendar.next(), connection.expiresAt);
    const stateText = `Connected until ${formatIst(endsAt)}`;
    return {
      id,
      name,
      description,
      state: 'connected',
      stateText,
      connectedAt: connection.issuedAt,
      endsAt,
    };
  }
}

const ENDINGS = {
  not_connected: 'Not connected',
  cutoff: 'Expired at the cutoff. Connect again for the new trading day.',
  expired_at_broker: 'Ended by the broker at its own time limit. Connect again.',
  unreadable: 'The stored connection could not be read. Connect again.',
  disconnected: 'Disconnected',
  replaced: 'Replaced by a newer connection',
  logged_out: 'Ended when you logged out',
  logged_out_everywhere: 'Ended when you logged out everywhere',
  idle: 'Ended with your session, which was idle for too long',
  ended_by_owner: 'Ended when you ended your sessions',
  ended_by_admin: 'Ended by an administrator',
  session_limit: 'Ended with your session when too many were open',
  password_changed: 'Ended when your password changed',
  account_disabled: 'Ended when the account was disabled',
  ended_meanwhile: 'Given up, because your session ended while you were connecting',
  ended: 'Ended with your last session',
} as const satisfies Record<WhyNotConnected, string>;

function describeEnd(why: WhyNotConnected): Pick<BrokerView, 'state' | 'stateText'> {
  const expired = why === 'cutoff' || why === 'expired_at_broker';
  return { state: expired ? 'expired' : 'disconnected', stateText: ENDINGS[why] };
}

import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { formatIst } from '../core/ist.ts';
import type { EpochStore } from '../sessions/epoch-store.ts';
import type { BrokerAdapter, BrokerAdapters } from './broker-adapter.ts';
import { type Connection, type WhyNotConnected, whyNotConnected } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { describeEnding } from './ending-words.ts';
import type { TokenStore } from './token-store.ts';

/** A broker and a person's connection to it, as a page shows them. Instants in ms since the epoch. */
export interface BrokerView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** What the person must have registered with the broker first. */
  readonly credentials: 'none_needed' | 'missing' | 'set';
  /** Whether the tokens can be used now: in the states `connected` and `expiring`. */
  readonly connected: boolean;
  readonly state: 'connected' | 'expiring' | 'expired' | 'rejected' | 'disconnected';
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
  readonly credentials: Pick<Credentials, 'completeAmong'>;
  readonly adapters: BrokerAdapters;
  readonly epochs: EpochStore;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

const EXPIRING_MS = 15 * MINUTE_MS;

export function createBrokerOverview(deps: BrokerOverviewDeps): BrokerOverview {
  const { tokens, credentials, adapters, epochs, calendar, clock } = deps;

  return {
    async of(userId) {
      const epoch = await epochs.current(userId);
      const complete = await credentials.completeAmong(userId, adapters.values());
      return Promise.all(
        [...adapters.values()].map(async (adapter) => ({
          id: adapter.id,
          name: adapter.name,
          description: adapter.description,
          credentials: credentialState(adapter, complete),
          ...describe(await tokens.findLatest(userId, adapter.id), epoch),
        })),
      );
    },
  };

  function describe(connection: Connection | undefined, epoch: number): ConnectionPart {
    const now = clock.now();
    const why = whyNotConnected(connection, { now, lastCutoff: calendar.last(), epoch });
    if (connection === undefined || why !== undefined) return afterItsEnd(why ?? 'not_connected');
    const endsAt = endOf(connection, calendar.next());
    const expiring = endsAt - now <= EXPIRING_MS;
    return {
      connected: true,
      state: expiring ? 'expiring' : 'connected',
      stateText: `${expiring ? 'Ends soon: connected until' : 'Connected until'} ${formatIst(endsAt)}`,
      connectedAt: connection.issuedAt,
      endsAt,
    };
  }
}

type ConnectionPart = Omit<BrokerView, 'id' | 'name' | 'description' | 'credentials'>;

/** What is refreshed in time lasts until the cutoff, as long as the broker answers. */
function endOf({ expiresAt, refreshToken, refreshFailures }: Connection, nextCutoff: number): number {
  const isRefreshed = refreshToken !== undefined && refreshFailures === 0;
  return isRefreshed && Number.isFinite(nextCutoff) ? nextCutoff : Math.min(nextCutoff, expiresAt);
}

function afterItsEnd(why: WhyNotConnected): ConnectionPart {
  return { connected: false, state: STATES[why] ?? 'disconnected', stateText: describeEnding(why) };
}

const STATES: Partial<Record<WhyNotConnected, BrokerView['state']>> = {
  cutoff: 'expired',
  expired_at_broker: 'expired',
  rejected: 'rejected',
  refused_by_broker: 'rejected',
};

function credentialState(
  { id, credentialFields }: BrokerAdapter,
  complete: ReadonlySet<string>,
): BrokerView['credentials'] {
  if (credentialFields.length === 0) return 'none_needed';
  return complete.has(id) ? 'set' : 'missing';
}

import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { BrokerAdapter, BrokerAdapters } from './broker-adapter.ts';
import { type Connection, type WhyNotConnected, whyNotConnected } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { describeEnding } from './ending-labels.ts';
import type { RecentConnections } from './recent-connections.ts';
import type { RecentConnection } from './token-store.ts';

/** A broker and a person's connection to it, as a page shows them. Instants in ms since the epoch. */
export interface BrokerView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Whether the user has registered the broker's credentials. */
  readonly credentials: 'none_needed' | 'missing' | 'set';
  /** Whether the tokens can be used now: in the states `connected` and `expiring`. */
  readonly connected: boolean;
  readonly state: 'connected' | 'expiring' | 'expired' | 'rejected' | 'disconnected';
  /** While it is connected, `endsAt` belongs behind it. */
  readonly stateText: string;
  /** Whether it stays until the cutoff when no browser is signed in; of one that is not connected, what Connect proposes. */
  readonly held: boolean;
  /** Until when it is kept then, in words. */
  readonly holdUntil: string;
  /** The user's account at the broker, while it is connected and the broker has named it. */
  readonly clientId?: string;
  /** Whether the broker can be asked if it takes the token. */
  readonly checkable: boolean;
  readonly connectedAt?: number;
  /** The next cutoff, or the broker's own limit where that is earlier. Absent where it is renewed and nothing ends it. */
  readonly endsAt?: number;
  /** It has ended here, but the broker takes no logout from apps and honours the token until then. */
  readonly livesThereUntil?: number;
}

export interface BrokerOverview {
  /**
   * Every broker, in order. What ended more than ten days ago counts as not connected, without a reason. `request`: the
   * one that the page answers, so that it reads the connections once.
   */
  of(userId: string, request?: object): Promise<readonly BrokerView[]>;
}

export interface BrokerOverviewDeps {
  readonly recentConnections: RecentConnections;
  readonly credentials: Pick<Credentials, 'completeAmong'>;
  readonly adapters: BrokerAdapters;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  /** BROKER_HOLD: what Connect proposes to a person who has not chosen yet. */
  readonly holdByDefault: boolean;
}

const EXPIRING_MS = 15 * MINUTE_MS;

export function createBrokerOverview(deps: BrokerOverviewDeps): BrokerOverview {
  const { recentConnections, credentials, adapters, calendar, clock, holdByDefault } = deps;

  return {
    async of(userId, request) {
      const [recent, complete] = await Promise.all([
        recentConnections(userId, request),
        credentials.completeAmong(userId, adapters.values()),
      ]);
      return [...adapters.values()].map((adapter) => {
        const latest = recent.find((connection) => connection.broker === adapter.id);
        return {
          id: adapter.id,
          name: adapter.name,
          description: adapter.description,
          credentials: credentialState(adapter, complete),
          held: latest?.held ?? holdByDefault,
          holdUntil: Number.isFinite(calendar.next()) ? 'until the cutoff' : 'until the broker ends it',
          checkable: adapter.checkToken !== undefined,
          ...describe(latest, adapter),
        };
      });
    },
  };

  function describe(connection: RecentConnection | undefined, adapter: BrokerAdapter): ConnectionPart {
    if (connection === undefined) return afterItsEnd('not_connected');
    const now = clock.now();
    const moment = { now, lastCutoff: calendar.last(), epoch: connection.userEpoch };
    const why = whyNotConnected(connection, moment);
    if (why !== undefined) return { ...afterItsEnd(why), ...whatLivesOn(connection, adapter, now) };
    const connectedAt = connection.issuedAt;
    const endsAt = endOf(connection, calendar.next());
    if (!Number.isFinite(endsAt))
      return {
        connected: true,
        state: 'connected',
        stateText: 'Connected, and renewed without you',
        connectedAt,
        ...ofAccount(connection),
      };
    const expiring = endsAt - now <= EXPIRING_MS;
    return {
      connected: true,
      state: expiring ? 'expiring' : 'connected',
      stateText: expiring ? 'Ends soon: connected until' : 'Connected until',
      connectedAt,
      ...ofAccount(connection),
      endsAt,
    };
  }
}

type ConnectionPart = Omit<
  BrokerView,
  'id' | 'name' | 'description' | 'credentials' | 'held' | 'holdUntil' | 'checkable'
>;

const ofAccount = ({ clientId }: Connection): Pick<BrokerView, 'clientId'> =>
  clientId === undefined ? {} : { clientId };

/** A connection that is refreshed in time lasts until the cutoff, as long as the broker answers. Infinite where there is no cutoff. */
function endOf({ expiresAt, refreshToken, refreshFailures }: Connection, nextCutoff: number): number {
  const isRefreshed = refreshToken !== undefined && refreshFailures === 0;
  return isRefreshed ? nextCutoff : Math.min(nextCutoff, expiresAt);
}

function whatLivesOn(
  { expiresAt }: Connection,
  { revoke }: BrokerAdapter,
  now: number,
): Pick<BrokerView, 'livesThereUntil'> {
  return revoke === undefined && expiresAt > now ? { livesThereUntil: expiresAt } : {};
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

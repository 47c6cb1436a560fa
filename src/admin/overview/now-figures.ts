import type { Clock } from '../../core/clock.ts';
import type { CutoffCalendar } from '../../core/cutoff.ts';
import { outcomeOf, type ReadinessCheck } from '../../http/probes.ts';
import type { LiveCount } from '../../sessions/session-storage.ts';

/** An alert that lasts. */
export interface OpenAlert {
  /** Which figure is above its threshold, in words. */
  readonly what: string;
  /** Since when, in ms since the epoch. */
  readonly since: number;
}

/** The result of the server's last check of the audit log. */
export interface ChainState {
  /** In ms since the epoch; 0 while it has not looked yet. */
  readonly checkedAt: number;
  /** In words; undefined where all was well. */
  readonly problem: string | undefined;
}

/** How things stand at this moment, on all nodes together. */
export interface NowFigures {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The next cutoff; undefined where there is none. */
  readonly cutoff: number | undefined;
  readonly live: LiveCount;
  readonly brokers: readonly BrokerCount[];
  readonly bans: number;
  readonly revocations: { readonly waiting: number; readonly oldestOrderedAt: number | undefined };
  readonly logouts: { readonly open: number; readonly dead: number };
  readonly messages: { readonly open: number; readonly failed: number };
  readonly parts: readonly { readonly name: string; readonly isAnswering: boolean }[];
  readonly chain: ChainState;
  readonly alerts: readonly OpenAlert[];
}

export interface BrokerCount {
  readonly name: string;
  /** Connections that can be used. */
  readonly connections: number;
}

/** Sources of the figures: counts of other features, passed by compose.ts. */
export interface NowFiguresDeps {
  readonly clock: Clock;
  readonly calendar: Pick<CutoffCalendar, 'next'>;
  readonly countSessions: () => Promise<LiveCount>;
  readonly brokerConnections: () => Promise<readonly BrokerCount[]>;
  readonly countBans: () => number;
  readonly waitingRevocations: () => Promise<NowFigures['revocations']>;
  readonly countLogouts: () => Promise<NowFigures['logouts']>;
  readonly countMessages: () => Promise<NowFigures['messages']>;
  readonly parts: readonly ReadinessCheck[];
  readonly chainState: () => Promise<ChainState>;
  readonly openAlerts: () => Promise<readonly OpenAlert[]>;
}

export async function readNowFigures(deps: NowFiguresDeps): Promise<NowFigures> {
  const { clock, calendar } = deps;
  const cutoff = calendar.next();
  const [live, brokers, revocations, logouts, messages, parts, chain, alerts] = await Promise.all([
    deps.countSessions(),
    deps.brokerConnections(),
    deps.waitingRevocations(),
    deps.countLogouts(),
    deps.countMessages(),
    Promise.all(deps.parts.map(ask)),
    deps.chainState(),
    deps.openAlerts(),
  ]);
  return {
    at: clock.now(),
    cutoff: Number.isFinite(cutoff) ? cutoff : undefined,
    live,
    brokers,
    bans: deps.countBans(),
    revocations,
    logouts,
    messages,
    parts,
    chain,
    alerts,
  };
}

async function ask({ name, check }: ReadinessCheck): Promise<NowFigures['parts'][number]> {
  return { name, isAnswering: (await outcomeOf(check)) === 'ok' };
}

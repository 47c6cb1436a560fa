import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import {
  leavesHeldConnections,
  type Revocation,
  type RevocationOutcome,
  type RevocationTarget,
} from '../core/revocation.ts';
import type { AuthorizationStore } from './authorization-store.ts';
import type { BrokerAdapters } from './broker-adapter.ts';
import { type ConnectionsToEnd, END_BATCH, type EndedConnection } from './connection-ending-store.ts';
import type { HeldConnectionStore } from './held-connection-store.ts';
import type { TokenStore } from './token-store.ts';

export interface BrokerTokenTargetDeps {
  readonly tokens: Pick<TokenStore, 'end'>;
  readonly authorizations: Pick<AuthorizationStore, 'forgetBegunBefore'>;
  readonly held: Pick<HeldConnectionStore, 'listHeld'>;
  readonly adapters: BrokerAdapters;
  readonly calendar: Pick<CutoffCalendar, 'last' | 'next'>;
  readonly clock: Clock;
  /** Called when brokers have to be told of something: the logout queue's `wake`. */
  readonly wakeLogouts: () => void;
}

/** Ends a user's broker tokens together with their sessions, and the authorizations that are on their way. */
export function createBrokerTokenTarget(deps: BrokerTokenTargetDeps): RevocationTarget {
  const { tokens, authorizations, held, adapters, calendar, clock, wakeLogouts } = deps;

  return {
    name: 'broker_tokens',
    async revoke(revocation) {
      const { scope } = revocation;
      switch (scope.kind) {
        case 'device':
          return { count: 0, detail: 'kept: shared with other devices' };
        case 'account':
          await authorizations.forgetBegunBefore(revocation.orderedAt + 1, scope.userId);
          return withHeld(
            revocation,
            scope.userId,
            await endAll(revocation, {
              kind: 'through_epoch',
              userId: scope.userId,
              epoch: scope.throughEpoch,
            }),
          );
        case 'stale':
          await authorizations.forgetBegunBefore(scope.before, scope.userId);
          return endAll(revocation, { kind: 'issued_before', before: scope.before, userId: scope.userId });
        case 'sweep':
          await authorizations.forgetBegunBefore(scope.before);
          return endAll(revocation, { kind: 'issued_before', before: scope.before });
      }
    },
  };

  /** Held connections went into the new epoch with the revocation: a receipt says that they go on. */
  async function withHeld(
    { reason }: Revocation,
    userId: string,
    outcome: RevocationOutcome,
  ): Promise<RevocationOutcome> {
    if (!leavesHeldConnections(reason)) return outcome;
    const until = Number.isFinite(calendar.next()) ? 'the cutoff at the latest' : 'the broker ends it';
    const kept = (await held.listHeld(userId, { since: calendar.last(), now: clock.now() })).map(
      (broker) => `${broker} access token kept until ${until}`,
    );
    if (kept.length === 0) return outcome;
    const ended = outcome.count > 0 ? [outcome.detail] : [];
    return { ...outcome, detail: [...ended, ...kept].join(', ') };
  }

  /** In batches, with a turn of the event loop for other requests in between. */
  async function endAll({ id, reason }: Revocation, which: ConnectionsToEnd): Promise<RevocationOutcome> {
    const counts = new Map<string, number>();
    let total = 0;
    for (;;) {
      const ended = await tokens.end(which, { reason, now: clock.now(), orderId: id });
      for (const each of ended) counts.set(nameOf(each), (counts.get(nameOf(each)) ?? 0) + 1);
      total += ended.length;
      if (ended.some((each) => each.logoutQueued)) wakeLogouts();
      if (ended.length < END_BATCH) return { count: total, detail: describe(counts) };
      await nextTurn();
    }
  }

  /** A receipt must not claim that a broker is told which cannot be. */
  function nameOf({ broker, hadFeedToken, logoutQueued }: EndedConnection): string {
    const name = hadFeedToken ? `${broker} access and feed token` : `${broker} access token`;
    const adapter = adapters.get(broker);
    const livesOn = logoutQueued && adapter !== undefined && adapter.revoke === undefined;
    return livesOn ? `${name} (the broker takes no sign-out and ends it at its own limit)` : name;
  }
}

function describe(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'no broker was connected';
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => (count === 1 ? name : `${count} × ${name}`))
    .join(', ');
}

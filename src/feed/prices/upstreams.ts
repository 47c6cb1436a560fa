import type { RevocationScope } from '../../core/revocation.ts';
import { createUpstream, type Upstream, type UpstreamDeps, type UpstreamState } from './upstream.ts';
import type { UpstreamPast } from './upstream-retries.ts';

/** The price streams of this node: one for a user and broker, as long as a socket reads it. */
export interface Upstreams {
  /** The one that is there, or a new one, which ends where nothing is put into it. */
  of(userId: string, broker: string): Upstream;
  find(userId: string, broker: string): Upstream | undefined;
  all(): Iterable<Upstream>;
  /** Reads the tokens of a user again: something about them has changed. */
  look(userId: string): void;
  /** How many streams a revocation would end. */
  countIn(scope: RevocationScope): number;
  countBy(state: UpstreamState): number;
  /** Ticks so far, of streams that have ended too. */
  readonly ticks: number;
}

export function createUpstreams(deps: UpstreamDeps): Upstreams {
  const byUser = new Map<string, Map<string, Upstream>>();
  /** Or a stream whose last reader leaves would show a refused token again to the next one. By user and broker. */
  const pasts = new Map<string, UpstreamPast>();
  let ticksOfEnded = 0;

  const all = (): readonly Upstream[] => [...byUser.values()].flatMap((streams) => [...streams.values()]);

  function open(userId: string, broker: string): Upstream {
    const id = `${userId} ${broker}`;
    const streams = byUser.get(userId) ?? new Map<string, Upstream>();
    const upstream = createUpstream(deps, {
      userId,
      broker,
      past: pasts.get(id),
      onEnd(past) {
        if (past.isRefused || past.failures > 0) pasts.set(id, past);
        else pasts.delete(id);
        ticksOfEnded += upstream.ticks;
        streams.delete(broker);
        if (streams.size === 0) byUser.delete(userId);
      },
    });
    byUser.set(userId, streams.set(broker, upstream));
    return upstream;
  }

  return {
    of: (userId, broker) => byUser.get(userId)?.get(broker) ?? open(userId, broker),
    find: (userId, broker) => byUser.get(userId)?.get(broker),
    all,
    look(userId) {
      for (const upstream of byUser.get(userId)?.values() ?? []) void upstream.look();
    },
    countIn: (scope) => (scope.kind === 'sweep' ? all().length : (byUser.get(scope.userId)?.size ?? 0)),
    countBy: (state) => all().filter((upstream) => upstream.state === state).length,
    get ticks() {
      return all().reduce((sum, upstream) => sum + upstream.ticks, ticksOfEnded);
    },
  };
}

import type { PriceFeed } from '../../core/price-feed.ts';
import type { QuotaHolder, UserQuota } from '../user-quota.ts';
import type { Upstreams } from './upstreams.ts';

/** Keeps a user's stream at a broker within what the broker takes on one connection. */
export interface StreamQuota {
  /** Has the instruments with these keys put; false, and nothing put, where the broker takes no more. */
  admit(userId: string, broker: string, keys: readonly string[], put: () => void): Promise<boolean>;
  /** Instruments have left. Never rejects. */
  settle(userId: string, broker: string): Promise<void>;
  /** Keeps what this node's streams have for another minute. */
  renew(): Promise<unknown>;
}

export interface StreamQuotaDeps {
  readonly feeds: ReadonlyMap<string, PriceFeed>;
  readonly upstreams: Pick<Upstreams, 'find'>;
  /** SOCKET_SUBSCRIPTIONS: where the broker takes as many, there is nothing to count. */
  readonly mostSubscriptions: number;
  /** Of instruments on all nodes together: one of them has the stream. An instrument that two nodes read counts twice. */
  readonly createQuota: (broker: string, most: number) => UserQuota;
}

export function createStreamQuota(deps: StreamQuotaDeps): StreamQuota {
  const { feeds, upstreams, mostSubscriptions, createQuota } = deps;
  const counted = new Map(
    [...feeds]
      .filter(([, { mostInstruments }]) => mostInstruments < mostSubscriptions)
      .map(([broker, { mostInstruments }]) => [broker, createQuota(broker, mostInstruments)]),
  );
  const holders = new Map<string, QuotaHolder>();
  const sizeWith = (userId: string, broker: string, keys: readonly string[]): number =>
    upstreams.find(userId, broker)?.sizeWith(keys) ?? new Set(keys).size;

  async function settle(userId: string, broker: string): Promise<void> {
    const quota = counted.get(broker);
    const holder = holders.get(`${userId} ${broker}`);
    if (quota === undefined || holder === undefined) return;
    const size = sizeWith(userId, broker, []);
    if (size === 0) {
      holders.delete(`${userId} ${broker}`);
      await quota.release(holder);
    }
    // A count that is too high for now is put right by the next one, or runs out.
    else await quota.set(holder, size).catch(() => undefined);
  }

  return {
    async admit(userId, broker, keys, put) {
      const quota = counted.get(broker);
      if (quota === undefined) {
        put();
        return true;
      }
      const id = `${userId} ${broker}`;
      for (;;) {
        const holder = holders.get(id) ?? { owner: { userId } };
        holders.set(id, holder);
        const size = sizeWith(userId, broker, keys);
        if (!(await quota.set(holder, size))) {
          await settle(userId, broker);
          return false;
        }
        // Another socket may have put its own meanwhile, or the last one have left.
        if (holders.get(id) !== holder || sizeWith(userId, broker, keys) !== size) continue;
        put();
        return true;
      }
    },

    settle,
    renew: () => Promise.all([...counted.values()].map((quota) => quota.renew())),
  };
}

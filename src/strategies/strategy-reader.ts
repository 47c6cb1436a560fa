import type { CachedStrategy } from '../core/cached-values.ts';
import type { Caches } from '../storage/caches.ts';
import type { Cipher } from '../storage/key-ring.ts';
import type { StrategyStore } from './strategy-store.ts';
import { isWebhookId, webhookDigest } from './webhook-id.ts';

/** The strategy that a signal is for, as it is at this moment. */
export interface FoundStrategy {
  readonly strategy: CachedStrategy;
  readonly active: boolean;
  readonly ownerDisabled: boolean;
}

export interface StrategyReader {
  /** Undefined when no strategy has this webhook. */
  find(webhookId: string): Promise<FoundStrategy | undefined>;
  /** By its id; undefined when it is deleted. */
  read(id: string): Promise<FoundStrategy | undefined>;
  /** Lets the next signal find it in the cache. */
  keep(strategy: CachedStrategy): void;
  /** For one whose owner is not signed in: it goes into no cache. */
  forget(strategy: CachedStrategy): void;
}

export interface StrategyReaderDeps {
  readonly store: Pick<StrategyStore, 'identify' | 'readById'>;
  readonly caches: Caches;
  readonly cipher: Cipher;
}

/**
 * One small query for each signal asks what may have changed a moment ago on another node: whether the strategy is
 * switched on, whether its owner may still use this server, and the version of the rest. The rest (symbols, hours, the
 * decrypted secret) comes from the cache while it has that version. So a message that was lost between nodes is no
 * more than a wasted entry.
 */
export function createStrategyReader({ store, caches, cipher }: StrategyReaderDeps): StrategyReader {
  const cache = caches.of.strategy;

  return {
    async find(webhookId) {
      if (!isWebhookId(webhookId)) return undefined;
      const identity = await store.identify(webhookDigest(webhookId));
      if (identity === undefined) return undefined;
      const cached = cache.get(identity.userId, identity.id);
      return cached?.version === identity.version ? { ...identity, strategy: cached } : read(identity.id);
    },
    read,
    keep: (strategy) => cache.set(strategy.userId, strategy.id, strategy),
    forget: ({ userId, id }) => cache.delete(userId, id),
  };

  async function read(id: string): Promise<FoundStrategy | undefined> {
    const row = await store.readById(id);
    if (row === undefined) return undefined;
    const { userId, name, broker, version, symbols, hours, allowedAddresses, active, ownerDisabled } = row;
    const signingSecret = row.signingSecret === undefined ? undefined : readSecret(row.signingSecret);
    return {
      strategy: { id, userId, name, broker, version, symbols, ...hours, signingSecret, allowedAddresses },
      active,
      ownerDisabled,
    };
  }

  /** Empty for a secret that no key reads any more: see `verifySignature`. */
  function readSecret(ciphertext: string): string {
    const decrypted = cipher.decrypt(ciphertext);
    return decrypted.kind === 'ok' ? decrypted.text : '';
  }
}

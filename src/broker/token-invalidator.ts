import type { Log } from '../core/log.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';

export interface TokenInvalidatorDeps {
  readonly caches: Caches;
  readonly bus: Pick<Bus, 'publish'>;
  readonly log: Log;
}

export type InvalidateTokens = (userId: string, broker: string) => Promise<void>;

/**
 * Takes a person's tokens out of the caches, here and on the other nodes: to be called after a row has changed. Nothing
 * depends on it (the reader asks the row), but dead tokens should not stay in memory.
 */
export function createTokenInvalidator({ caches, bus, log }: TokenInvalidatorDeps): InvalidateTokens {
  return async function invalidateTokens(userId, broker) {
    caches.of.auth.clearOwner(userId);
    caches.of.feed.clearOwner(userId);
    try {
      await bus.publish({ kind: 'caches.clear_tokens', userId });
    } catch (error) {
      log.warn({ err: error, broker }, 'Other nodes could not be told to forget a broker token');
    }
  };
}

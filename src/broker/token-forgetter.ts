import type { Log } from '../core/log.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';

export interface TokenForgetterDeps {
  readonly caches: Caches;
  readonly bus: Pick<Bus, 'publish'>;
  readonly log: Log;
}

export type ForgetTokens = (userId: string, broker: string) => Promise<void>;

/**
 * Takes a person's tokens at a broker out of the caches, here and on the other nodes: to be called after the row has
 * changed. A bus that cannot carry the message has lost its connection, and then the others drop what they have when
 * they notice the gap.
 */
export function createTokenForgetter({ caches, bus, log }: TokenForgetterDeps): ForgetTokens {
  return async function forgetTokens(userId, broker) {
    caches.of.auth.delete(userId, broker);
    caches.of.feed.delete(userId, broker);
    try {
      await bus.publish({ kind: 'caches.clear_user', userId });
    } catch (error) {
      log.warn({ err: error, broker }, 'Other nodes could not be told to forget a broker token');
    }
  };
}

import type { Log } from '../core/log.ts';
import type { Bus } from '../storage/bus.ts';
import type { Caches } from '../storage/caches.ts';
import type { KeyVerifier } from './key-verifier.ts';
import type { WaitingCalls } from './waiting-calls.ts';

/** Drops what is remembered of one person's keys, and ends what waits with them, here and on every other node. Never rejects. */
export type InvalidateKeys = (userId: string) => Promise<void>;

export interface KeyInvalidatorDeps {
  readonly verifier: Pick<KeyVerifier, 'forget'>;
  readonly waiting: Pick<WaitingCalls, 'endOf'>;
  readonly bus: Pick<Bus, 'publish'>;
  readonly log: Log;
}

/** A cached match gives no right (see `KeyVerifier`), so a message that is lost costs memory and nothing else. */
export function createKeyInvalidator({ verifier, waiting, bus, log }: KeyInvalidatorDeps): InvalidateKeys {
  return async function invalidateKeys(userId) {
    verifier.forget(userId);
    waiting.endOf(userId);
    try {
      await bus.publish({ kind: 'api_keys.forget', userId });
    } catch (error) {
      log.warn(
        { err: error },
        'Other nodes could not be told to forget API keys; they refuse them all the same',
      );
    }
  };
}

export interface KeyForgettingSources {
  readonly waiting: Pick<WaitingCalls, 'endOf'>;
  readonly bus: Pick<Bus, 'onMessage'>;
  readonly caches: Pick<Caches, 'onClear'>;
}

/**
 * Does here what other nodes ask for; and drops what is remembered of a person's keys with everything else that is cached
 * for them. At the cutoff, which concerns all users, it stays: the keys live on, and every program would have to be hashed for
 * anew in the same second.
 */
export function listenForKeyInvalidation(
  verifier: Pick<KeyVerifier, 'forget'>,
  { waiting, bus, caches }: KeyForgettingSources,
): void {
  bus.onMessage((message) => {
    if (message.kind !== 'api_keys.forget') return;
    verifier.forget(message.userId);
    waiting.endOf(message.userId);
  });
  caches.onClear((userId) => {
    if (userId !== undefined) verifier.forget(userId);
  });
}

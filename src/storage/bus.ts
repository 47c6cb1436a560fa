import type { CacheName } from '../core/cached-values.ts';
import type { FeedEvent } from '../core/feed-event.ts';
import type { RevocationReason, RevocationScope } from '../core/revocation.ts';

/** Messages between nodes. */
export type BusMessage =
  | { readonly kind: 'caches.clear_user'; readonly userId: string; readonly keepShared?: boolean }
  /** The auth and feed caches of one person's only: a shared cache would be emptied with the rest. */
  | { readonly kind: 'caches.clear_tokens'; readonly userId: string }
  | { readonly kind: 'caches.clear_all' }
  /** One owner's entries of one cache, because what they are copies of has changed. */
  | { readonly kind: 'caches.clear_owner'; readonly cache: CacheName; readonly owner: string }
  /** Whether every server reads what the newest encryption key encrypts; and what each one says. */
  | { readonly kind: 'keys.question'; readonly id: string; readonly ciphertext: string }
  | { readonly kind: 'keys.answer'; readonly id: string; readonly readable: boolean }
  /** A person has new signals: for requests that wait for them. */
  | { readonly kind: 'signals.arrived'; readonly userId: string }
  /** Some API key of a person's was revoked, or all of them are good for nothing now. */
  | { readonly kind: 'api_keys.forget'; readonly userId: string }
  /** For a user's sockets. */
  | { readonly kind: 'sockets.event'; readonly userId: string; readonly event: FeedEvent }
  /** Sockets that a revocation covers. */
  | { readonly kind: 'sockets.end'; readonly scope: RevocationScope; readonly reason: RevocationReason }
  /** Bans, the allowlist or the rules for bans; without `change`, all may have. */
  | { readonly kind: 'bans.changed'; readonly version: number; readonly change?: BanChange };

/** `until`: ms since the epoch. */
export interface BanChange {
  readonly subject: string;
  readonly until: number | 'permanent' | 'lifted';
}

/** Carries messages to every other node, and to no one twice on purpose. Not a place for anything that must not be lost. */
export interface Bus {
  /** Rejects when the message could not be handed over. */
  publish(message: BusMessage): Promise<void>;
  /** Hears what other nodes published; not what this one did. */
  onMessage(listener: (message: BusMessage) => void): void;
  /** Messages may have been missed: drop kept copies. */
  onGap(listener: () => void): void;
  close(): Promise<void>;
}

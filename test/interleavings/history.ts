import type { RevocationScope } from '../../src/core/revocation.ts';

/** Who an act is for: a session, or an account on whose behalf a program acts, from the moment that its message came. */
export interface Subject {
  readonly name: string;
  readonly userId: string;
  readonly sid: string | undefined;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly loginTime: number;
}

/** What happened, in the order in which it did: an event's place in the history is its instant. */
export type Event =
  /** A sign-in was asked for, and answered with a session. */
  | { readonly kind: 'sign_in_asked'; readonly name: string }
  | { readonly kind: 'signed_in'; readonly subject: Subject }
  /** A request, or its last byte, has come in. */
  | { readonly kind: 'came_in'; readonly subject: Subject; readonly request: string }
  /** Its work began, behind all judgements. */
  | { readonly kind: 'work_began'; readonly subject: Subject; readonly request: string }
  /** What it asked for has been committed. */
  | { readonly kind: 'effect'; readonly subject: Subject; readonly what: string; readonly needsAdmin: boolean }
  /** A revocation was asked for; it is stored; it was said to be done. */
  | { readonly kind: 'order_asked'; readonly ask: number }
  | {
      readonly kind: 'order_stored';
      readonly ask: number;
      readonly id: string;
      readonly scope: RevocationScope;
    }
  | { readonly kind: 'order_done'; readonly id: string }
  /** The user was said to be no administrator any more, or disabled. */
  | { readonly kind: 'demoted' | 'disabled'; readonly userId: string }
  /** A broker's token was stored; `sessionWasThere`: when the broker had answered. */
  | {
      readonly kind: 'token_kept';
      readonly subject: Subject;
      readonly id: string;
      readonly sessionWasThere: boolean;
    }
  /** The session store came back with older data. */
  | { readonly kind: 'data_lost' }
  /** The clock went on so far that what nobody used since is idle, or from before the cutoff. */
  | { readonly kind: 'time_passed' }
  /** All is done. What can be used now? */
  | { readonly kind: 'settled' }
  | { readonly kind: 'looked'; readonly subject: Subject; readonly outcome: 'in' | 'out' }
  | { readonly kind: 'token_lives'; readonly id: string; readonly wiped: boolean }
  | { readonly kind: 'stuck'; readonly waiting: readonly string[] };

export interface History {
  readonly events: readonly Event[];
  add(event: Event): void;
}

export function createHistory(): History {
  const events: Event[] = [];
  return { events, add: (event) => void events.push(event) };
}

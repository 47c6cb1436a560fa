import type { RevocationScope } from '../../src/core/revocation.ts';

/** For whom something is done: a session, or the account of a webhook's owner (then without `sid`). */
export interface Subject {
  readonly name: string;
  readonly userId: string;
  readonly sid: string | undefined;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly loginTime: number;
}

/** What happened, in its order: an event's place in the history is its instant. */
export type Event =
  /** A sign-in was asked for, and answered with a session. */
  | { readonly kind: 'sign_in_asked'; readonly name: string }
  | { readonly kind: 'signed_in'; readonly subject: Subject }
  /** The last byte of a request has come in. One subject may have several under way. */
  | { readonly kind: 'came_in'; readonly subject: Subject; readonly request: object }
  /** Its work began, behind all judgements. */
  | { readonly kind: 'work_began'; readonly subject: Subject; readonly request: object }
  /** What it asked for was committed. */
  | {
      readonly kind: 'effect';
      readonly subject: Subject;
      readonly what: string;
      readonly needsAdmin: boolean;
    }
  /** A broker's token was committed in the place of the person's last one. */
  | { readonly kind: 'token_stored'; readonly userId: string; readonly token: string }
  /** A revocation was committed; it was reported, as done or as queued in part; it was done. */
  | { readonly kind: 'order_stored'; readonly id: string; readonly scope: RevocationScope }
  | { readonly kind: 'order_reported'; readonly id: string }
  | { readonly kind: 'order_done'; readonly id: string }
  /** It was answered that the user is no administrator any more, or disabled. */
  | { readonly kind: 'demoted'; readonly userId: string }
  | { readonly kind: 'disabled'; readonly userId: string }
  /** It was answered that a broker is connected. */
  | {
      readonly kind: 'connected';
      readonly subject: Subject;
      readonly token: string;
      readonly issuedAt: number;
    }
  /** The session store came back with older data. */
  | { readonly kind: 'data_lost' }
  /** The clock went on past the idle limit, or past the cutoff. */
  | { readonly kind: 'time_passed' }
  /** When all is done: who can use a session, and what is left of a broker's token. */
  | { readonly kind: 'looked'; readonly subject: Subject; readonly isIn: boolean }
  | {
      readonly kind: 'token_found';
      readonly token: string;
      readonly state: 'alive' | 'ended' | 'ended_but_readable';
    }
  /** Actors that will never go on. */
  | { readonly kind: 'stuck'; readonly waiting: readonly string[] };

export interface History {
  readonly events: readonly Event[];
  add(event: Event): void;
}

export function createHistory(): History {
  const events: Event[] = [];
  return { events, add: (event) => void events.push(event) };
}

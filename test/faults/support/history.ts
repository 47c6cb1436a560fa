/** What happened, as it was seen from outside. Instants in milliseconds of one clock, that of the test's process. */
export type HistoryEvent = SignIn | PageRequest | TokenReading | Revocation | Settled | DataLost;

/** A session and when it came to be. Recorded only when the sign-in was answered as successful. */
export interface SignIn {
  readonly kind: 'sign_in';
  readonly session: string;
  readonly user: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A guarded page, asked for with a session's cookie. */
export interface PageRequest {
  readonly kind: 'page';
  readonly session: string;
  readonly node: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** A form whose body was held back: `startedAt` is when its rest was sent, and `in` that it was carried out. */
  readonly form?: true;
  /** `in`: the page itself; `out`: sent to the login page; `unavailable`: 503; `none`: no answer. */
  readonly outcome: 'in' | 'out' | 'unavailable' | 'none';
}

/** A program asked a node for somebody's broker token, and got one. */
export interface TokenReading {
  readonly kind: 'token';
  /** Which one. */
  readonly token: string;
  readonly user: string;
  readonly node: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Somebody asked for something to be ended; or the clock did. */
export interface Revocation {
  readonly kind: 'revocation';
  readonly id: string;
  readonly what: string;
  /** What is over once it is done. */
  readonly scope: RevokedScope;
  /** Whose sessions it may end besides, when they begin at the same time: the last device takes the account along. */
  readonly mayEndAllOf?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** `done`: said to be done; `stored`: said to be stored; `unknown`: neither, so it may have happened or not. */
  readonly report: 'done' | 'stored' | 'unknown';
}

export type RevokedScope =
  | { readonly kind: 'session'; readonly session: string }
  /** All of a user's, perhaps but one. */
  | { readonly kind: 'user'; readonly user: string; readonly except?: string }
  /** Everybody's. */
  | { readonly kind: 'all' };

/** Every fault is mended and the outbox is empty: from here on, what was stored has happened. */
export interface Settled {
  readonly kind: 'settled';
  readonly at: number;
}

/** A Redis was restored from an older backup: it has lost sessions that nobody ended. */
export interface DataLost {
  readonly kind: 'data_lost';
  readonly at: number;
}

export interface History {
  readonly events: readonly HistoryEvent[];
  add(event: HistoryEvent): void;
}

export function createHistory(): History {
  const events: HistoryEvent[] = [];
  return { events, add: (event) => void events.push(event) };
}

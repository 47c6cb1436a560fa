import type { FaultKind } from './schedule.ts';

/** What happened, as it was seen from outside. Instants in milliseconds of one clock, that of the test's process. */
export type HistoryEvent =
  | SignIn
  | PageRequest
  | SocketOpened
  | SocketMessage
  | SocketClosed
  | TokenReading
  | Revocation
  | Settled
  | DataLost
  | FaultDone
  | ClockSet;

/** A session and when it came to be. Recorded only when the sign-in was answered as successful. */
export interface SignIn {
  readonly kind: 'sign_in';
  readonly session: string;
  readonly user: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A guarded page, or something else that asks whether a session still counts. */
export interface PageRequest {
  readonly kind: 'page';
  readonly session: string;
  readonly node: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /**
   * Other than a page: a form whose body was held back (`startedAt` is when its rest was sent, and `in` that it was carried
   * out), the handshake of a WebSocket, or a subscription on one.
   */
  readonly as?: 'form' | 'socket' | 'subscription';
  /** `in`: the page itself; `out`: sent to the login page, or 401; `unavailable`: 503; `none`: no answer. */
  readonly outcome: 'in' | 'out' | 'unavailable' | 'none';
}

/** A WebSocket that a node let in. All that its client sees of it carries its name. */
export interface SocketOpened {
  readonly kind: 'socket_opened';
  readonly socket: string;
  readonly session: string;
  readonly node: string;
  readonly at: number;
}

export interface SocketMessage {
  readonly kind: 'socket_message';
  readonly socket: string;
  readonly at: number;
  readonly type: string;
  /** As a `bye` announces. */
  readonly code?: number;
  readonly reason?: string;
}

/** Not by its client. */
export interface SocketClosed {
  readonly kind: 'socket_closed';
  readonly socket: string;
  readonly at: number;
  /** 1006: without a word. */
  readonly code: number;
  readonly reason: string;
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
  /** What sockets are told that it closes. */
  readonly closesWith: 'cutoff' | 'logged_out' | 'revoked';
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

/** A fault that is over. */
export interface FaultDone {
  readonly kind: 'fault';
  readonly what: FaultKind;
  /** Undefined where it is one of all nodes. */
  readonly node: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** All clocks were set forward, that of the history too. */
export interface ClockSet {
  readonly kind: 'clock_set';
  readonly from: number;
  readonly to: number;
}

export interface History {
  readonly events: readonly HistoryEvent[];
  add(event: HistoryEvent): void;
}

export function createHistory(): History {
  const events: HistoryEvent[] = [];
  return { events, add: (event) => void events.push(event) };
}

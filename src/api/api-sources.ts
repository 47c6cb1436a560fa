/** Functions that compose.ts passes to the API. All instants in milliseconds since the epoch. */

/** A person's browser sessions, all devices together. */
export interface SessionState {
  /** How many are signed in now. */
  readonly devices: number;
  /** The latest of them. */
  readonly signedInAt: number | undefined;
  /** When the last of them ends unless it is used; undefined where there is no idle limit. */
  readonly idleEndsAt: number | undefined;
}

/** A broker, and a person's connection to it. */
export interface BrokerState {
  readonly id: string;
  readonly name: string;
  readonly connected: boolean;
  readonly state: 'connected' | 'expiring' | 'expired' | 'rejected' | 'disconnected';
  readonly connectedAt?: number;
  readonly endsAt?: number;
  /** Whether its owner keeps it until the cutoff, also when no browser is signed in. */
  readonly held: boolean;
}

export interface BrokerToken {
  readonly token: string;
  readonly issuedAt: number;
  /** The broker's own limit. */
  readonly expiresAt: number;
}

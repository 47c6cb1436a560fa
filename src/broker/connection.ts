import { isPastCutoff } from '../core/expiry.ts';
import { REVOCATION_REASONS } from '../core/revocation.ts';

/** Why a connection was ended: with everything else of the person's, or by itself. As stored in `revoke_reason`. */
export const CONNECTION_END_REASONS = [
  ...REVOCATION_REASONS,
  'disconnected',
  'replaced',
  'ended_meanwhile',
  'unreadable',
  'rejected',
  'refused_by_broker',
] as const;
export type ConnectionEndReason = (typeof CONNECTION_END_REASONS)[number];

/** A person's connection to a broker, as stored: the day's tokens as ciphertexts. Instants in ms since the epoch. */
export interface Connection {
  readonly id: string;
  readonly userId: string;
  readonly broker: string;
  /** Wiped once it has ended. */
  readonly accessToken: string | undefined;
  readonly feedToken: string | undefined;
  /** Where the broker gives a new access token without the person. */
  readonly refreshToken: string | undefined;
  /** How often in a row the broker did not answer when asked for a new access token. */
  readonly refreshFailures: number;
  /** `secretDigest` of the access token. Undefined in rows of the first version. */
  readonly tokenDigest: string | undefined;
  /** The user's epoch before the token was asked for. */
  readonly epoch: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether it stays until the cutoff when no browser is signed in. */
  readonly held: boolean;
  /** The user's account at the broker; undefined where the broker does not name it. */
  readonly clientId: string | undefined;
  /** Undefined while it is open, which does not yet make it live. */
  readonly ended: { readonly at: number; readonly reason: ConnectionEndReason | 'ended' } | undefined;
}

/** Names a connection and the access token that it has now: a refresh puts another one into it. */
export function versionOf({ id, tokenDigest }: Pick<Connection, 'id' | 'tokenDigest'>): string {
  return `${id} ${tokenDigest ?? ''}`;
}

/** `ended`: with an earlier epoch, or for a reason that this version does not know. */
export type WhyNotConnected = ConnectionEndReason | 'ended' | 'not_connected' | 'expired_at_broker';

/** Bounds that a token is compared with. */
export interface Moment {
  readonly now: number;
  readonly lastCutoff: number;
  readonly epoch: number;
}

/**
 * Why a connection cannot be used; undefined when it can. Only comparisons: a token is dead at the very instant of
 * the cutoff, whether or not a sweep has been at its row. An epoch above the one in `moment` is later, not wrong.
 */
export function whyNotConnected(
  connection: Connection | undefined,
  { now, lastCutoff, epoch }: Moment,
): WhyNotConnected | undefined {
  if (connection === undefined) return 'not_connected';
  if (connection.ended !== undefined) return connection.ended.reason;
  if (connection.epoch < epoch) return 'ended';
  if (isPastCutoff(connection.issuedAt, now, lastCutoff)) return 'cutoff';
  if (connection.expiresAt <= now) return 'expired_at_broker';
  return undefined;
}

import type { StreamPass } from '../../core/price-feed.ts';

/** A user's past streams at a broker with one token; the next stream with that token goes on from there. */
export interface UpstreamPast {
  /** The token's; undefined before the first try. */
  readonly version: string | undefined;
  /** The broker does not want the token: it is not shown again. */
  isRefused: boolean;
  /** Its rejection is not stored yet. */
  unreported: StreamPass | undefined;
  failures: number;
  /** When it may be tried again, in ms since the epoch. */
  notBefore: number;
}

export function createUpstreamPast(version?: string): UpstreamPast {
  return { version, isRefused: false, unreported: undefined, failures: 0, notBefore: 0 };
}

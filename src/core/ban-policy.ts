import type { AlertThresholds } from './alert.ts';
import { DAY_MS } from './duration.ts';

/** For what addresses are banned by themselves. */
export const BAN_CAUSES = ['invalid_api_keys', 'suspicious_paths'] as const;
export type BanCause = (typeof BAN_CAUSES)[number];

/** Why there is a ban. */
export type BanReason = BanCause | 'manual' | 'imported';

export const BAN_LENGTHS = ['24h', '48h', '1w', 'permanent'] as const;
export type BanLength = (typeof BAN_LENGTHS)[number];

const LENGTH_MS: Readonly<Record<BanLength, number>> = {
  '24h': DAY_MS,
  '48h': 2 * DAY_MS,
  '1w': 7 * DAY_MS,
  permanent: Number.POSITIVE_INFINITY,
};

/** So many within a window. */
export interface BanThreshold {
  /** Whether it bans. */
  readonly automatic: boolean;
  readonly count: number;
  readonly windowMs: number;
}

/** Rules that administrators can change on the page of thresholds: automatic bans, and alerts. */
export interface BanRules {
  readonly thresholds: Readonly<Record<BanCause, BanThreshold>>;
  /** How long for the first offence, the second and so on; the last one is for all that follow. */
  readonly ladder: readonly BanLength[];
  /** See security/bans/suspicious-path.ts. */
  readonly suspiciousPaths: readonly string[];
  /** Stored and told to other nodes with the rest. */
  readonly alerts: AlertThresholds;
}

/** How long the next ban is after so many. */
export function nextLength(ladder: readonly BanLength[], earlierOffences: number): BanLength {
  return ladder[Math.min(earlierOffences, ladder.length - 1)] ?? 'permanent';
}

/** When a ban that begins now is over, in ms since the epoch; Infinity for a permanent one. */
export function banEnd(length: BanLength, now: number): number {
  return now + LENGTH_MS[length];
}

/** Half-open: at the end itself it is over. */
export function isBanOver(until: number, now: number): boolean {
  return until <= now;
}

/** Whether each length is at least as long as the one before. */
export function isAscending(ladder: readonly BanLength[]): boolean {
  return ladder.every(
    (length, step) => step === 0 || LENGTH_MS[length] >= LENGTH_MS[ladder[step - 1] ?? length],
  );
}

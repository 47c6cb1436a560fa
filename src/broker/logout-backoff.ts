import { DAY_MS, HOUR_MS, SECOND_MS } from '../core/duration.ts';

const FIRST_DELAY_MS = 10 * SECOND_MS;
const LONGEST_DELAY_MS = HOUR_MS;
const MOST_ATTEMPTS = 10;
const PATIENCE_MS = DAY_MS;

export type LogoutRetry = { readonly kind: 'retry'; readonly at: number } | { readonly kind: 'give_up' };

/**
 * When to try a failed logout again, in ms since the epoch: after 10 s, then twice as long each time up to an hour,
 * and up to a quarter more by chance, so that a broker that comes back is not met by everyone at once. Given up after
 * ten attempts or a day; by then the brokers have ended the token themselves. `random` is in [0, 1).
 */
export function planLogoutRetry(options: {
  readonly attempts: number;
  readonly requestedAt: number;
  readonly now: number;
  readonly random: number;
}): LogoutRetry {
  const { attempts, requestedAt, now, random } = options;
  if (attempts >= MOST_ATTEMPTS || now - requestedAt >= PATIENCE_MS) return { kind: 'give_up' };
  const delay = FIRST_DELAY_MS * 2 ** (attempts - 1) * (1 + random / 4);
  return { kind: 'retry', at: now + Math.round(Math.min(LONGEST_DELAY_MS, delay)) };
}

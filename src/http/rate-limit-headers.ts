import type { LimitStanding, RateLimit, Taking } from './compound-limiter.ts';

const UNITS: ReadonlyMap<number, string> = new Map([
  [1, 'second'],
  [60, 'minute'],
  [3600, 'hour'],
  [86_400, 'day'],
]);

/** `60/minute`: as the settings write a limit, and as the headers name it. */
export function limitName({ points, durationSeconds }: RateLimit): string {
  return `${points}/${UNITS.get(durationSeconds) ?? `${durationSeconds}s`}`;
}

/**
 * Headers for a client that paces itself: RateLimit-Policy (`"60/minute";q=60;w=60`) and RateLimit
 * (`"60/minute";r=59;t=12`), several limits as a list. In the form that draft-ietf-httpapi-ratelimit-headers has had since
 * its eighth version (the eleventh is of May 2026), and which express-rate-limit calls `draft-8`.
 */
export function rateLimitHeaders({ standings }: Pick<Taking, 'standings'>): Readonly<Record<string, string>> {
  return {
    'RateLimit-Policy': rateLimitPolicy(standings.map(({ limit }) => limit)),
    RateLimit: standings.map(describeStanding).join(', '),
  };
}

/** The value of RateLimit-Policy, which is the same for every answer. */
export function rateLimitPolicy(limits: readonly RateLimit[]): string {
  return limits
    .map((limit) => `"${limitName(limit)}";q=${limit.points};w=${limit.durationSeconds}`)
    .join(', ');
}

const describeStanding = ({ limit, remaining, resetSeconds }: LimitStanding): string =>
  `"${limitName(limit)}";r=${Math.max(0, remaining)};t=${resetSeconds}`;

import type { ErrorRequestHandler, Request } from 'express';
import { LRUCache } from 'lru-cache';
import { atMost } from '../core/at-most.ts';
import type { AuditEvent, AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { HOUR_MS } from '../core/duration.ts';
import { AppError } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientSubject } from '../http/client-address.ts';
import { loggedPathOf } from '../http/logged-path.ts';

export interface RefusalWatchDeps {
  readonly audit: AuditLog;
  readonly clock: Clock;
}

type Refusal = Extract<AuditEvent, { type: 'request.refused' }>['why'];

const MOST_REMEMBERED = 10_000;
/**
 * In an hour, of all strangers together, and of all who are signed in: the log is kept for years, and no one may be able to
 * fill it. Apart, because strangers have as many addresses as they like, and would hide what the others do.
 */
const MOST_RECORDED = 500;

/**
 * Records who was turned away: a form with a bad token or from another site, a page for administrators, a limit. Once an
 * hour for each of them, address and person; how many there were is in the traffic log.
 */
export function createRefusalWatch({ audit, clock }: RefusalWatchDeps): ErrorRequestHandler {
  const recorded = new LRUCache<string, true>(atMost(MOST_REMEMBERED));
  let hour = 0;
  let counts = { strangers: 0, people: 0 };

  function isNews(key: string, who: keyof typeof counts): boolean {
    const thisHour = Math.floor(clock.now() / HOUR_MS);
    if (thisHour !== hour) {
      hour = thisHour;
      counts = { strangers: 0, people: 0 };
      recorded.clear();
    }
    if (counts[who] >= MOST_RECORDED || recorded.has(key)) return false;
    recorded.set(key, true);
    counts[who] += 1;
    return true;
  }

  return function watchRefusals(error: unknown, req, res, next) {
    const why = refusalOf(error);
    const userId = res.locals['actingUserId'] as string | undefined;
    if (why === undefined) return next(error);
    const key = `${why} ${userId ?? ''} ${clientSubject(req).subject}`;
    if (!isNews(key, userId === undefined ? 'strangers' : 'people')) return next(error);
    audit.record({ type: 'request.refused', userId, why, route: routeOf(req) }, auditOrigin(req, res)).then(
      () => next(error),
      () => next(error),
    );
  };
}

function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof AppError)) return undefined;
  const { code } = error;
  return code === 'csrf' || code === 'forbidden' || code === 'rate_limited' ? code : undefined;
}

/** The route as it was declared; where none was found yet the beginning of the path, because the rest may be a secret. */
function routeOf(req: Request): string {
  const pattern: unknown = req.route?.path;
  if (typeof pattern === 'string') return pattern;
  const parts = loggedPathOf(req).slice(0, LONGEST_PATH).split('/');
  return parts.length > 3 ? `${parts.slice(0, 3).join('/')}/…` : parts.join('/');
}

const LONGEST_PATH = 100;

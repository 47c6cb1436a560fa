import type { RequestHandler } from 'express';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { Log } from '../core/log.ts';
import type { UserSettings } from '../core/user-settings.ts';
import { setAppearance } from '../http/page.ts';
import { routeClassOf } from '../http/route-policy.ts';
import { readThemeCookie, writeThemeCookie } from '../http/theme-cookie.ts';
import { wantsJson } from '../http/wants-json.ts';
import { findCurrentSession } from '../sessions/current-session.ts';
import type { ReadSettings } from './settings-reader.ts';

export interface AppearanceDeps {
  readonly readSettings: ReadSettings;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
  /** Whether people come over https. */
  readonly secure: boolean;
  readonly log: Log;
}

/** Lets pages of signed-in people be as they chose: to stand in front of everything that may render one. */
export function createAppearance(deps: AppearanceDeps): RequestHandler {
  const { readSettings, calendar, clock, secure, log } = deps;

  return async function appearance(req, res, next) {
    const session = findCurrentSession(req);
    if (session === undefined || routeClassOf(req) !== 'guarded' || wantsJson(req)) return next();
    const settings = await readOrDefault(session.userId);
    if (settings === undefined) return next();
    const { theme, dateFormat, alertMinutes } = settings;
    const cutoff = nextCutoff();
    setAppearance(res, { theme, dateFormat, alertMinutes, cutoff, nearCutoff: nearCutoff(alertMinutes) });
    if (readThemeCookie(req) !== theme) writeThemeCookie(res, theme, secure);
    next();
  };

  /** A page in the wrong colours is better than none: what needs the database says so by itself. */
  async function readOrDefault(userId: string): Promise<UserSettings | undefined> {
    try {
      return await readSettings(userId);
    } catch (error) {
      log.debug({ err: error }, 'A page is shown with the usual settings: a person’s own cannot be read');
      return undefined;
    }
  }

  function nextCutoff(): number | undefined {
    const cutoff = calendar.next();
    return Number.isFinite(cutoff) ? cutoff : undefined;
  }

  function nearCutoff(alertMinutes: number): number | undefined {
    const cutoff = calendar.next();
    return cutoff - clock.now() <= alertMinutes * MINUTE_MS ? cutoff : undefined;
  }
}

import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import type { SessionData, Store } from 'express-session';
import type { CutoffCalendar } from '../core/cutoff.ts';
import { fromIso } from '../core/ist.ts';
import { readCookie } from '../http/read-cookie.ts';
import { policyOf, routeClassOf } from '../http/route-policy.ts';
import type { FindCredential } from '../http/shown-credential.ts';
import { readSessionId } from './session-id.ts';

export interface ShownSessionDeps {
  readonly cookieName: string;
  /** SESSION_SECRET; all verify. */
  readonly secrets: readonly string[];
  /** Loading from it is no sign of life. */
  readonly store: Pick<Store, 'get'>;
  readonly calendar: Pick<CutoffCalendar, 'isPast'>;
}

/**
 * Finds the session of a signed-in person in front of the session middleware. Only an id that this server has signed is
 * looked up. Signing out asks no store: it must also work while the store is away.
 */
export function createShownSession(deps: ShownSessionDeps): FindCredential {
  const { cookieName, secrets, store, calendar } = deps;
  const isOver = (loginTime: number): boolean => calendar.isPast(loginTime);

  async function isLive(sid: string): Promise<boolean> {
    const session = await load(store, sid);
    return (
      session?.userId !== undefined && session.loginTime !== undefined && !isOver(fromIso(session.loginTime))
    );
  }

  return function findShownSession(req) {
    if (routeClassOf(req) === 'api') return undefined;
    const sid = readSignedCookie(req, cookieName, secrets);
    const facts = sid === undefined ? undefined : readSessionId(sid);
    if (sid === undefined || facts?.kind !== 'signed_in') return undefined;
    const isLogout = policyOf(req).alwaysOpen === true;
    if (isOver(facts.loginTime) && !isLogout) return undefined;
    return {
      id: hash('sha256', `${isLogout ? 'logout' : 'session'} ${sid}`, 'base64url'),
      isGuessable: false,
      isGood: isLogout ? async () => true : () => isLive(sid),
    };
  };
}

function load(store: Pick<Store, 'get'>, sid: string): Promise<SessionData | undefined> {
  return new Promise((resolve, reject) => {
    store.get(sid, (error: unknown, session) => {
      if (error === undefined || error === null) resolve(session ?? undefined);
      else reject(error);
    });
  });
}

/** As express-session signs it: `s:<value>.<HMAC-SHA256 in base64 without padding>`. */
function readSignedCookie(req: Request, name: string, secrets: readonly string[]): string | undefined {
  const text = decodedCookie(req, name);
  const [, value, signature] = /^s:(.*)\.([^.]*)$/s.exec(text ?? '') ?? [];
  if (value === undefined || signature === undefined) return undefined;
  const given = Buffer.from(signature);
  const isSigned = secrets.some((secret) => {
    const made = Buffer.from(createHmac('sha256', secret).update(value).digest('base64').replace(/=+$/, ''));
    return made.length === given.length && timingSafeEqual(made, given);
  });
  return isSigned ? value : undefined;
}

function decodedCookie(req: Request, name: string): string | undefined {
  const value = readCookie(req, name);
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

import type { CookieOptions, Request } from 'express';

export interface SessionCookie {
  readonly name: string;
  readonly options: CookieOptions & { readonly secure: boolean };
}

export interface SessionCookieDeps {
  readonly https: boolean;
  /** COOKIE_DOMAIN; undefined: of this host alone. */
  readonly cookieDomain: string | undefined;
}

/**
 * The contract's names. `__Host-` makes a browser refuse the cookie without Secure, with a Domain or another Path;
 * `__Secure-` without Secure only. No Expires: the browser forgets the cookie when it closes, the store forgets the session
 * in its own time.
 */
export function createSessionCookie({ https, cookieDomain }: SessionCookieDeps): SessionCookie {
  const prefix = !https ? '' : cookieDomain === undefined ? '__Host-' : '__Secure-';
  const domain = cookieDomain === undefined ? {} : { domain: cookieDomain };
  return {
    name: `${prefix}curfew`,
    options: { httpOnly: true, sameSite: 'lax', secure: https, path: '/', ...domain },
  };
}

/** A signed-in user's session id, as the cookie holds it: `s:` and the id, written for a header. */
const SIGNED_IN = '=s%3As.';

/**
 * The user whose session a request claims, before that was checked: good for refusing what that
 * user may not have now, and for nothing else.
 */
export function createUnverifiedUser(cookieName: string): (req: Request) => string | undefined {
  const mark = cookieName + SIGNED_IN;
  return function unverifiedUserId(req) {
    const { cookie } = req.headers;
    const at = cookie?.indexOf(mark) ?? -1;
    if (cookie === undefined || at === -1) return undefined;
    const begin = at + mark.length;
    const end = cookie.indexOf('.', begin);
    return end === -1 ? undefined : cookie.slice(begin, end);
  };
}

import type { CookieOptions } from 'express';

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

import type { Request } from 'express';

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

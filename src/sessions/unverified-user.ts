import type { Request } from 'express';

/** A session id of somebody who is signed in, as its cookie holds it: `s:` and the id, written for a header. */
const SIGNED_IN = '=s%3As.';

/**
 * Whose session a request says it carries, before anybody has looked whether that is true: good for refusing what that
 * person may not have now, and for nothing else.
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

import type { Request } from 'express';
import { newSignedInSessionId, newVisitorSessionId } from './session-id.ts';

/** Makes the ids that express-session asks for, and remembers the one that a browser came with in vain. */
export interface SessionIdIssuer {
  /** express-session's `genid`. */
  readonly issue: (req: Request) => string;
  /** The next id of this request is a signed-in user's. */
  nextIsFor(req: Request, userId: string, loginTime: number): void;
  /** The id in a validly signed cookie for which the store had no session. */
  presentedInVain(req: Request): string | undefined;
}

export function createSessionIdIssuer(): SessionIdIssuer {
  const signingIn = new WeakMap<Request, { userId: string; loginTime: number }>();
  const inVain = new WeakMap<Request, string>();

  return {
    issue(req) {
      // Until this returns, sessionID still is what the cookie said; it has been verified by then.
      if (typeof req.sessionID === 'string' && req.session === undefined) inVain.set(req, req.sessionID);
      const user = signingIn.get(req);
      signingIn.delete(req);
      return user === undefined ? newVisitorSessionId() : newSignedInSessionId(user.userId, user.loginTime);
    },
    nextIsFor: (req, userId, loginTime) => {
      signingIn.set(req, { userId, loginTime });
    },
    presentedInVain: (req) => inVain.get(req),
  };
}

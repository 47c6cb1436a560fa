import type { Request } from 'express';
import { newSignedInSessionId, readSessionId } from './session-id.ts';
import type { VisitorIds } from './visitor-ids.ts';

/** Makes the ids that express-session asks for, and remembers the one that a browser came with in vain. */
export interface SessionIdIssuer {
  /** express-session's `genid`. */
  readonly issue: (req: Request) => string;
  /** The next id of this request is a signed-in user's. */
  nextIsFor(req: Request, userId: string, loginTime: number): void;
  /** The id of a signed-in session, in a validly signed cookie, that the store had not got. */
  unknownSessionId(req: Request): string | undefined;
}

export function createSessionIdIssuer(visitorIds: VisitorIds): SessionIdIssuer {
  const signingIn = new WeakMap<Request, { userId: string; loginTime: number }>();
  const inVain = new WeakMap<Request, string>();

  return {
    issue(req) {
      // Until this returns, sessionID still is what the cookie said; it has been verified by then.
      const presented = req.session === undefined ? req.sessionID : undefined;
      if (presented !== undefined && readSessionId(presented).kind === 'signed_in')
        inVain.set(req, presented);
      const user = signingIn.get(req);
      signingIn.delete(req);
      return user === undefined
        ? visitorIds.issue(presented)
        : newSignedInSessionId(user.userId, user.loginTime);
    },
    nextIsFor: (req, userId, loginTime) => {
      signingIn.set(req, { userId, loginTime });
    },
    unknownSessionId: (req) => inVain.get(req),
  };
}

import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { AppError } from '../errors.ts';
import { placeToReturnTo } from '../http/return-to.ts';
import { policyOf } from '../http/route-policy.ts';
import { wantsJson } from '../http/wants-json.ts';
import { currentSession } from './current-session.ts';

/** The page that asks for the password. */
export const CONFIRM = '/auth/confirm';

/** How long a password, passkey or code counts. A form that takes longer to fill in is kept, and carried out after the next one. */
const FRESH_MS = 10 * MINUTE_MS;

/** The password once more, before what a stolen session must not be enough for. */
export interface Reauthentication {
  /** Whether the password was last entered too long ago for what this request wants. */
  isDue(req: Request): boolean;
  /**
   * Asks for it instead of doing what the request wants: a page is shown afterwards, and a form is kept and carried out then.
   * `act`: what the form does, in words. Throws `forbidden` to a script, and for a form what leads to the page that asks.
   */
  ask(req: Request, res: Response, act?: string): void;
}

/** A form came when the last time was too long ago. */
export class ReauthenticationDueError extends Error {
  readonly act: string;

  constructor(act: string) {
    super('The password has to be entered again first');
    this.act = act;
  }
}

export function createReauthentication(clock: Clock): Reauthentication {
  return {
    isDue(req) {
      return !isFresh(lastProofOf(req), clock);
    },

    ask(req, res, act = 'Send the form') {
      if (wantsJson(req))
        throw new AppError(
          'forbidden',
          `Enter your password again first, at ${CONFIRM}. Nothing was changed.`,
        );
      if (!isForm(req)) throw new ReauthenticationDueError(act);
      const returnTo = placeToReturnTo(req);
      const query = new URLSearchParams(returnTo === undefined ? {} : { returnTo });
      res.redirect(303, `${CONFIRM}?${query}`);
    },
  };
}

const isForm = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

/** Whether a password, passkey or code was shown a moment ago. `at`: in ms since the epoch; undefined for never. */
export function isFresh(at: number | undefined, clock: Clock): boolean {
  // Where a clock was put back, it may lie in the future: that makes it no fresher.
  return at !== undefined && Math.abs(clock.now() - at) < FRESH_MS;
}

/** When the user of the request's session last proved who they are, in ms since the epoch. Signing in is the first time. */
export function lastProofOf(req: Request): number {
  return req.session.provedAt ?? currentSession(req).loginTime;
}

export interface ReauthenticationGateDeps {
  readonly clock: Clock;
  /** Whether the user has a second factor at this moment: another session may have set one up. */
  readonly hasFactor: (userId: string) => Promise<boolean>;
}

/**
 * Stands in front of the features: asks for the password where the route's row says so and the last time is long ago, and
 * likewise for the second factor of a user who has one. Where it depends on the change itself whether more can be traded or
 * read afterwards, the feature asks.
 */
export function createReauthenticationGate({ clock, hasFactor }: ReauthenticationGateDeps): RequestHandler {
  const reauthentication = createReauthentication(clock);

  return async function requireReauthentication(req, res, next) {
    const { get, post, factor } = policyOf(req).reauthenticate ?? {};
    const act = req.method === 'POST' ? post : undefined;
    const isAsked = act !== undefined || (get === true && isForm(req));
    const isDue = isAsked && (reauthentication.isDue(req) || (factor === true && (await isFactorDue(req))));
    if (isDue) reauthentication.ask(req, res, act);
    else next();
  };

  async function isFactorDue(req: Request): Promise<boolean> {
    return !isFresh(req.session.factorAt, clock) && hasFactor(currentSession(req).userId);
  }
}

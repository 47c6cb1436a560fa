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

/** How old the last password may be where a form is asked for. */
const FOR_A_FORM_MS = 10 * MINUTE_MS;
/** And where it is sent: who was asked before it was shown has time to fill it in. */
const FOR_AN_ACT_MS = 30 * MINUTE_MS;

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
      // Where a clock was put back, the last time may lie in the future: that makes it no fresher.
      const age = Math.abs(clock.now() - lastProofOf(req));
      return age >= (isForm(req) ? FOR_A_FORM_MS : FOR_AN_ACT_MS);
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

/** When the user of the request's session last proved who they are, in ms since the epoch. Signing in is the first time. */
export function lastProofOf(req: Request): number {
  return req.session.provedAt ?? currentSession(req).loginTime;
}

/**
 * Stands in front of the features: asks for the password where the route's row says so and the last time is long ago. Where
 * it depends on the change itself whether more can be traded or read afterwards, the feature asks.
 */
export function createReauthenticationGate(clock: Clock): RequestHandler {
  const reauthentication = createReauthentication(clock);
  return function requireReauthentication(req, res, next) {
    const { get, post } = policyOf(req).reauthenticate ?? {};
    const act = req.method === 'POST' ? post : undefined;
    const isAsked = act !== undefined || (get === true && isForm(req));
    if (isAsked && reauthentication.isDue(req)) reauthentication.ask(req, res, act);
    else next();
  };
}

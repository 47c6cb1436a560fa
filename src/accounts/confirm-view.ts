import type { ErrorRequestHandler, Request, Response } from 'express';
import { renderPage } from '../http/page.ts';
import { placeToReturnTo } from '../http/return-to.ts';
import { currentSession } from '../sessions/current-session.ts';
import { ReauthenticationDueError } from '../sessions/reauthentication.ts';
import { HOME } from './complete-sign-in.ts';
import type { KeptForm, KeptForms } from './kept-forms.ts';
import type { Passkeys } from './passkeys/passkeys.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';

/** The act that follows a reauthentication. */
export interface Continuation {
  readonly returnTo?: string | undefined;
  /** Carried out. */
  readonly keptForm?: KeptForm | undefined;
  /** A form was sent that has to be sent again. */
  readonly isNotKept?: boolean;
}

export interface ConfirmView {
  show(req: Request, res: Response, continuation: Continuation, error?: string): Promise<void>;
  /** Behind the pages: answers a form that came when the password had to be entered again. */
  readonly askForForm: ErrorRequestHandler;
}

export interface ConfirmViewDeps {
  readonly keptForms: Pick<KeptForms, 'keep'>;
  readonly secondFactor: Pick<SecondFactor, 'stateOf'>;
  readonly passkeys: Pick<Passkeys, 'relyingParty'>;
}

/** The page that asks a signed-in user for their password or passkey. */
export function createConfirmView({ keptForms, secondFactor, passkeys }: ConfirmViewDeps): ConfirmView {
  const show: ConfirmView['show'] = async (req, res, { returnTo, keptForm, isNotKept = false }, error) => {
    const { enrolledAt, passkeys: count } = await secondFactor.stateOf(currentSession(req).userId);
    const hasApp = enrolledAt !== undefined;
    const hasFactor = hasApp || count > 0;
    renderPage(req, res, 'accounts/confirm', {
      title: 'Enter your password again',
      returnTo: returnTo ?? HOME,
      keptForm,
      isNotKept,
      hasFactor,
      hasApp,
      hasPasskeys: passkeys.relyingParty !== undefined && count > 0,
      error: error === 'wrong' ? wrongText(hasFactor) : error,
    });
  };

  return {
    show,
    askForForm(error: unknown, req, res, next) {
      if (!(error instanceof ReauthenticationDueError)) return next(error);
      const keptForm = keptForms.keep(req, error.act);
      const continuation = { returnTo: placeToReturnTo(req), keptForm, isNotKept: keptForm === undefined };
      return show(req, res.status(403), continuation);
    },
  };
}

/** One sentence for both, so that a guesser does not learn which of them is right. */
export const wrongText = (hasFactor: boolean): string =>
  hasFactor
    ? 'The password or the code is wrong, or the code was used already: wait for the next one.'
    : 'The password is wrong.';

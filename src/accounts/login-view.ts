import type { ErrorRequestHandler, Request, Response } from 'express';
import { formatCutoffTime } from '../core/cutoff.ts';
import { describeDuration } from '../core/duration.ts';
import type { SessionPolicy } from '../core/session-policy.ts';
import { AppError } from '../errors.ts';
import { refuseForm, typedText } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { wantsJson } from '../http/wants-json.ts';
import { HOME } from './complete-sign-in.ts';
import type { SignInHints } from './sign-in-hint.ts';

interface LoginText {
  readonly username: string;
  readonly returnTo: string | undefined;
  readonly reasonText?: string | undefined;
  readonly error?: string;
}

/** A program gets the error; a person the form again, with what is wrong. */
export type RefuseLogin = (
  req: Request,
  res: Response,
  error: AppError,
  returnTo: string | undefined,
) => void;

export interface LoginView {
  show(req: Request, res: Response, text: LoginText): void;
  readonly refuse: RefuseLogin;
  /**
   * A sign-in form whose token is not the session's any more (open overnight, or a second tab made its own) comes back with
   * a good one and the username kept, instead of a dead end. Still 403, and nothing was tried.
   */
  readonly reopenForm: ErrorRequestHandler;
}

export interface LoginViewDeps {
  readonly hints: Pick<SignInHints, 'read'>;
  /** Whether browsers can have passkeys for BASE_URL. */
  readonly hasPasskeys: boolean;
  /** `You stay signed in until 03:00 IST…`. */
  readonly describeEnd: () => string;
}

const FORMS = ['/auth/login', '/auth/login/passkey'];

/** The sign-in page: first what the last user of this browser signed in with, the other ways below. */
export function createLoginView({ hints, hasPasskeys, describeEnd }: LoginViewDeps): LoginView {
  function show(req: Request, res: Response, { username, ...text }: LoginText): void {
    const hint = hints.read(req);
    renderPage(req, res, 'accounts/login', {
      title: 'Sign in',
      values: { username: username === '' ? (hint?.username ?? '') : username },
      lastUser: hint?.username,
      asksCode: hint?.way === 'code',
      passkeyFirst: hasPasskeys && hint?.way === 'passkey',
      hasPasskeys,
      end: describeEnd(),
      ...text,
    });
  }

  const refuse: RefuseLogin = (req, res, error, returnTo) => {
    refuseForm(req, res, error);
    show(req, res, { error: error.message, username: typedText(req, 'username') ?? '', returnTo });
  };

  return {
    show,
    refuse,
    reopenForm(error: unknown, req, res, next) {
      const stale = error instanceof AppError && error.code === 'csrf' && typeof req.csrfToken === 'function';
      const isForm = req.method === 'POST' && FORMS.includes(req.path) && !wantsJson(req);
      if (!stale || !isForm) return next(error);
      const returnTo = safeReturnTo(req.body?.returnTo);
      // Another tab has signed in since.
      if (res.locals['viewer'] !== undefined) return res.redirect(303, returnTo ?? HOME);
      refuse(req, res, error, returnTo);
    },
  };
}

/** How long who signs in now stays signed in, for the sign-in page. Their own idle limit may be shorter. */
export function sessionEndText({ cutoffTime, idleTimeoutMs }: SessionPolicy): string {
  const cutoff = cutoffTime === 'off' ? undefined : `until ${formatCutoffTime(cutoffTime)} IST`;
  const idle = idleTimeoutMs === 'off' ? undefined : `${describeDuration(idleTimeoutMs)} without use`;
  if (cutoff !== undefined && idle !== undefined)
    return `You stay signed in ${cutoff} at the latest, and not beyond ${idle}.`;
  if (cutoff !== undefined) return `You stay signed in ${cutoff}.`;
  return idle === undefined
    ? 'You stay signed in until you sign out or close the browser.'
    : `You stay signed in, but not beyond ${idle}.`;
}

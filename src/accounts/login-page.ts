import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, invalid } from '../errors.ts';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { waitInWords } from '../http/wait-in-words.ts';
import { wantsJson } from '../http/wants-json.ts';
import { HOME } from './complete-sign-in.ts';
import { loginReasonText } from './login-reasons.ts';
import { createNeedsSetup } from './needs-setup.ts';
import { CODE_PAGE } from './second-factor/code-page.ts';
import { ENROLMENT_PAGE } from './second-factor/enrolment-page.ts';
import type { PendingSignIns } from './second-factor/pending-sign-in.ts';
import type { SignIn, SignInResult } from './sign-in.ts';
import type { UserStore } from './user-store.ts';

/** Longer input is no account's, and is not worth a hash. */
const loginSchema = z.object({
  username: z
    .string({ error: 'Enter your username.' })
    .min(1, 'Enter your username.')
    .max(256, 'This is too long for a username.'),
  password: z
    .string({ error: 'Enter your password.' })
    .min(1, 'Enter your password.')
    .max(1024, 'This is too long for a password.'),
  returnTo: z.unknown().optional(),
});

export interface LoginPageDeps {
  readonly users: Pick<UserStore, 'anyUserExists'>;
  readonly signIn: SignIn;
  readonly pending: Pick<PendingSignIns, 'end'>;
  /** Whether the request carries a live session of a signed-in user. */
  readonly liveSession: (req: Request) => unknown;
}

/**
 * GET shows the form, also while the database is away, and sends on those who do not need it: the signed-in, and the
 * first person ever.
 */
export function createLoginPage({ users, signIn, pending, liveSession }: LoginPageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  const needsSetup = createNeedsSetup(users);

  return {
    async get(req, res) {
      const returnTo = safeReturnTo(req.query['returnTo']);
      // The next person at this browser must not finish it.
      if (req.query['reason'] === 'cancelled') pending.end(res);
      if (await liveSession(req)) return res.redirect(303, returnTo ?? HOME);
      if (await needsSetup()) return res.redirect(303, '/setup');
      renderLogin(req, res, { reasonText: loginReasonText(req.query['reason']), username: '', returnTo });
    },

    async post(req, res) {
      const form = readForm(loginSchema, req);
      const returnTo = safeReturnTo(req.body?.returnTo);
      if (!form.ok) return refuse(req, res, invalid(form.fields), returnTo);
      const result = await signIn(req, res, form.values);
      if (result.kind === 'second_factor')
        return res.redirect(303, withReturnTo(result.step === 'code' ? CODE_PAGE : ENROLMENT_PAGE, returnTo));
      const problem = problemOf(result);
      if (problem !== undefined) return refuse(req, res, problem, returnTo);
      res.redirect(303, returnTo ?? HOME);
    },
  };
}

/**
 * A sign-in form whose token is not the session's any more (open overnight, or a second tab made its own) comes back with
 * a good one and the username kept, instead of a dead end. Still 403, and nothing was tried.
 */
export const reopenLoginForm: ErrorRequestHandler = (error: unknown, req, res, next) => {
  const stale = error instanceof AppError && error.code === 'csrf' && typeof req.csrfToken === 'function';
  const isForm = req.method === 'POST' && req.path === '/auth/login' && !wantsJson(req);
  if (!stale || !isForm) return next(error);
  const returnTo = safeReturnTo(req.body?.returnTo);
  // Another tab has signed in since.
  if (res.locals['viewer'] !== undefined) return res.redirect(303, returnTo ?? HOME);
  refuse(req, res, error, returnTo);
};

function withReturnTo(page: string, returnTo: string | undefined): string {
  return returnTo === undefined ? page : `${page}?${new URLSearchParams({ returnTo })}`;
}

function problemOf(result: Exclude<SignInResult, { kind: 'second_factor' }>): AppError | undefined {
  switch (result.kind) {
    case 'signed_in':
      return undefined;
    case 'refused':
      return new AppError('login_required', 'The username or the password is wrong.');
    case 'limited':
      return new AppError(
        'rate_limited',
        `Too many attempts. Try again in ${waitInWords(result.retryAfterSeconds)}.`,
        {
          retryAfterSeconds: result.retryAfterSeconds,
        },
      );
  }
}

/** A program gets the error; a person the form again, with what is wrong. */
function refuse(req: Request, res: Response, error: AppError, returnTo: string | undefined): void {
  if (wantsJson(req)) throw error;
  if (error.retryAfterSeconds !== undefined) res.set('Retry-After', String(error.retryAfterSeconds));
  res.status(error.status);
  const username: unknown = req.body?.username;
  renderLogin(req, res, {
    error: error.message,
    username: typeof username === 'string' && username.length <= 256 ? username : '',
    returnTo,
  });
}

interface LoginView {
  readonly username: string;
  readonly returnTo: string | undefined;
  readonly reasonText?: string | undefined;
  readonly error?: string;
}

function renderLogin(req: Request, res: Response, { username, ...view }: LoginView): void {
  renderPage(req, res, 'accounts/login', { title: 'Sign in', values: { username }, ...view });
}

import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { AppError, invalid } from '../errors.ts';
import { readForm } from '../http/form.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { HOME } from './complete-sign-in.ts';
import { loginReasonText } from './login-reasons.ts';
import type { LoginView } from './login-view.ts';
import { createNeedsSetup } from './needs-setup.ts';
import { CODE_PAGE, type createCodePage } from './second-factor/code-page.ts';
import { ENROLMENT_PAGE } from './second-factor/enrolment-page.ts';
import type { PendingSignIns } from './second-factor/pending-sign-in.ts';
import type { SignIn, SignInResult } from './sign-in.ts';
import type { SignInHints } from './sign-in-hint.ts';
import { tooManyAttempts } from './too-many-attempts.ts';
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
  /** On the page of who signed in with one here before; else it has a page of its own. */
  code: z.string().trim().max(64, 'This is too long for a code.').optional(),
  returnTo: z.unknown().optional(),
});

export interface LoginPageDeps {
  readonly users: Pick<UserStore, 'anyUserExists'>;
  readonly signIn: SignIn;
  readonly answerCode: ReturnType<typeof createCodePage>['answer'];
  readonly pending: Pick<PendingSignIns, 'end'>;
  readonly hints: Pick<SignInHints, 'forget'>;
  readonly loginView: LoginView;
  readonly clock: Clock;
  /** Whether the request carries a live session of a signed-in user. */
  readonly liveSession: (req: Request) => unknown;
}

/**
 * GET shows the form, also while the database is away, and sends on those who do not need it: the signed-in, and the
 * first person ever.
 */
export function createLoginPage(
  deps: LoginPageDeps,
): Readonly<Record<'get' | 'post' | 'forget', RequestHandler>> {
  const { users, signIn, answerCode, pending, hints, loginView, clock, liveSession } = deps;
  const needsSetup = createNeedsSetup(users);

  return {
    async get(req, res) {
      const returnTo = safeReturnTo(req.query['returnTo']);
      // The next person at this browser must not finish it.
      if (req.query['reason'] === 'cancelled') pending.end(res);
      if (await liveSession(req)) return res.redirect(303, returnTo ?? HOME);
      if (await needsSetup()) return res.redirect(303, '/setup');
      loginView.show(req, res, { reasonText: loginReasonText(req.query['reason']), username: '', returnTo });
    },

    async post(req, res) {
      // A code that waits for its turn was good when it came.
      const at = clock.now();
      const form = readForm(loginSchema, req);
      const returnTo = safeReturnTo(req.body?.returnTo);
      if (!form.ok) return loginView.refuse(req, res, invalid(form.fields), returnTo);
      const { code = '', ...credentials } = form.values;
      const result = await signIn(req, res, credentials);
      if (result.kind === 'second_factor') {
        if (result.step === 'code' && code !== '')
          return answerCode(req, res, result.pending, { code, at, returnTo });
        return res.redirect(303, withReturnTo(result.step === 'code' ? CODE_PAGE : ENROLMENT_PAGE, returnTo));
      }
      const problem = problemOf(result);
      if (problem !== undefined) return loginView.refuse(req, res, problem, returnTo);
      res.redirect(303, returnTo ?? HOME);
    },

    forget(req, res) {
      hints.forget(res);
      pending.end(res);
      res.redirect(303, withReturnTo('/auth/login', safeReturnTo(req.body?.returnTo)));
    },
  };
}

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
      return tooManyAttempts(result.retryAfterSeconds);
  }
}

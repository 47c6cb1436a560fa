import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { AppError, invalid } from '../../errors.ts';
import { readForm, refuseForm } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { safeReturnTo } from '../../http/return-to.ts';
import { wantsJson } from '../../http/wants-json.ts';
import { HOME } from '../complete-sign-in.ts';
import type { LoginReason } from '../login-reasons.ts';
import { tooManyAttempts } from '../too-many-attempts.ts';
import { createTryCode, type TryCodeDeps } from './code-attempt.ts';
import type { PendingSignIn, PendingSignIns } from './pending-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

export const CODE_PAGE = '/auth/login/totp';

/** Reasons, for the sign-in page, to begin a sign-in again. */
const START_AGAIN_REASONS = {
  over: 'code_expired',
  finished: 'code_sent_twice',
  factor_enrolled: 'factor_enrolled',
} as const satisfies Record<string, LoginReason>;

export const codeSchema = z
  .string({ error: 'Enter a code.' })
  .trim()
  .min(1, 'Enter a code.')
  .max(64, 'This is too long for a code.');
const codeForm = z.object({ code: codeSchema });

export interface CodePageDeps extends TryCodeDeps {
  readonly secondFactor: Pick<SecondFactor, 'check' | 'stateOf'>;
  /** Whether browsers can have passkeys for BASE_URL. */
  readonly hasPasskeys: boolean;
  readonly pending: PendingSignIns;
  readonly clock: Clock;
}

interface SentCode {
  readonly code: string;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly returnTo: string | undefined;
}

/** Asks a user who has entered the right password for a code. */
export function createCodePage(deps: CodePageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
  readonly answer: (req: Request, res: Response, signIn: PendingSignIn, sent: SentCode) => Promise<void>;
} {
  const { secondFactor, pending, clock, hasPasskeys } = deps;
  const tryCode = createTryCode(deps);

  return {
    async get(req, res) {
      const signIn = await pending.find(req, 'code');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      await render(req, res, signIn, safeReturnTo(req.query['returnTo']));
    },

    async post(req, res) {
      // A code that waits for its turn was good when it came.
      const at = clock.now();
      const signIn = await pending.find(req, 'code');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      const returnTo = safeReturnTo(req.body?.returnTo);
      const form = readForm(codeForm, req);
      if (!form.ok) return refuse(req, res, signIn, invalid(form.fields), returnTo, form.fields['code']);
      await answer(req, res, signIn, { code: form.values.code, at, returnTo });
    },

    answer,
  };

  /** Signs in by the code, or shows what is wrong with it on the page for codes. */
  async function answer(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    { code, at, returnTo }: SentCode,
  ): Promise<void> {
    const outcome = await tryCode(req, res, signIn, { code, at });
    switch (outcome.kind) {
      case 'signed_in':
        pending.end(res);
        return res.redirect(303, returnTo ?? HOME);
      case 'over':
      case 'finished':
        return startAgain(req, res, pending, outcome.kind);
      case 'wrong':
        return refuse(
          req,
          res,
          signIn,
          new AppError('login_required', 'The code is wrong or was used.'),
          returnTo,
        );
      case 'limited':
        return refuse(req, res, signIn, tooManyAttempts(outcome.retryAfterSeconds), returnTo);
    }
  }

  function refuse(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    error: AppError,
    returnTo: string | undefined,
    message = error.message,
  ): Promise<void> {
    refuseForm(req, res, error);
    return render(req, res, signIn, returnTo, message);
  }

  async function render(
    req: Request,
    res: Response,
    { user }: PendingSignIn,
    returnTo: string | undefined,
    error?: string,
  ): Promise<void> {
    const { enrolledAt, passkeys: count } = await secondFactor.stateOf(user.id);
    renderPage(req, res, 'accounts/code', {
      title: 'Enter your code',
      hasApp: enrolledAt !== undefined,
      hasPasskeys: hasPasskeys && count > 0,
      returnTo,
      error,
    });
  }
}

/** A sign-in that is over begins with the password again. */
export function startAgain(
  req: Request,
  res: Response,
  pending: Pick<PendingSignIns, 'end'>,
  why: 'over' | 'finished' | 'factor_enrolled' = 'over',
): void {
  pending.end(res);
  if (wantsJson(req)) throw new AppError('login_required', 'Sign in with your password first.');
  const returnTo = safeReturnTo(req.body?.returnTo ?? req.query['returnTo']);
  const query = new URLSearchParams({
    reason: START_AGAIN_REASONS[why],
    ...(returnTo === undefined ? {} : { returnTo }),
  });
  res.redirect(303, `/auth/login?${query}`);
}

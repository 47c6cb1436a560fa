import type { Request, RequestHandler, Response } from 'express';
import { auditOrigin } from '../../http/audit-origin.ts';
import { renderPage } from '../../http/page.ts';
import { safeReturnTo } from '../../http/return-to.ts';
import { type CompleteSignIn, HOME } from '../complete-sign-in.ts';
import type { User } from '../user-store.ts';
import { startAgain } from './code-page.ts';
import type { Enrolments } from './enrolment.ts';
import type { PendingSignIns } from './pending-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

export const ENROLMENT_PAGE = '/auth/login/enrolment';

export interface EnrolmentPageDeps {
  readonly secondFactor: Pick<SecondFactor, 'enrol' | 'has'>;
  readonly enrolments: Enrolments;
  readonly pending: PendingSignIns;
  readonly completeSignIn: CompleteSignIn;
}

/** Has who must have a second factor enrol one between the right password and the first page. */
export function createEnrolmentPage({
  secondFactor,
  enrolments,
  pending,
  completeSignIn,
}: EnrolmentPageDeps): { readonly get: RequestHandler; readonly post: RequestHandler } {
  function render(req: Request, res: Response, user: User, error?: string): void {
    renderPage(req, res, 'accounts/enrolment', {
      title: 'Set up your second factor',
      isSignIn: true,
      action: ENROLMENT_PAGE,
      enrolment: enrolments.show(user, req.body?.sealed),
      returnTo: safeReturnTo(req.body?.returnTo ?? req.query['returnTo']),
      error,
    });
  }

  return {
    async get(req, res) {
      const signIn = await pending.find(req, 'enrol');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      render(req, res, signIn.user);
    },

    async post(req, res) {
      const signIn = await pending.find(req, 'enrol');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      const { user, passwordHash } = signIn;
      const secret = enrolments.open(user.id, req.body?.sealed);
      if (secret === undefined) return render(req, res.status(400), user, FORM_EXPIRED);
      const code = String(req.body?.code ?? '');
      const origin = auditOrigin(req, res, user.username);
      const enrolled = await secondFactor.enrol({ userId: user.id, secret, passwordHash }, code, origin);
      if (enrolled.kind === 'wrong') return render(req, res.status(400), user, WRONG_CODE);
      if (enrolled.kind === 'refused') {
        const reason = (await secondFactor.has(user.id)) ? 'factor_enrolled' : 'over';
        return startAgain(req, res, pending, reason);
      }
      const isSignedIn =
        (await signIn.finish()) &&
        (await completeSignIn(req, res, { user, passwordHash, method: 'totp' })) === 'signed_in';
      if (!isSignedIn) return startAgain(req, res, pending);
      pending.end(res);
      const { username, role } = user;
      res.locals['viewer'] = { username, role };
      showRecoveryCodes(req, res, enrolled.recoveryCodes, safeReturnTo(req.body?.returnTo) ?? HOME);
    },
  };
}

export const WRONG_CODE =
  'The code is wrong. Enter the one that the app shows now, and check the time of your phone.';
export const FORM_EXPIRED = 'This page was open for too long. Scan the new code.';

/** In the answer to the form and nowhere else: only digests are stored. */
export function showRecoveryCodes(
  req: Request,
  res: Response,
  recoveryCodes: readonly string[],
  next: string,
): void {
  renderPage(req, res, 'accounts/recovery-codes', { title: 'Your recovery codes', recoveryCodes, next });
}

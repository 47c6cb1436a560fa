import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { renderPage } from '../../http/page.ts';
import { type Notices, noticeOf } from '../../http/query-text.ts';
import { currentSession } from '../../sessions/current-session.ts';
import type { Enrolments } from './enrolment.ts';
import { FORM_EXPIRED, showRecoveryCodes, WRONG_CODE } from './enrolment-page.ts';
import type { SecondFactor } from './second-factor.ts';

export const FACTOR_PAGE = '/profile/second-factor';

export interface FactorPagesDeps {
  readonly secondFactor: SecondFactor;
  readonly enrolments: Enrolments;
  readonly clock: Clock;
}

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  ['removed', 'Your authenticator app is removed. Without a passkey, so are the recovery codes.'],
]);

/** A user's own second factor: enrolled, removed, and its recovery codes made anew. All of it asks for who they are first. */
export function createFactorPages({
  secondFactor,
  enrolments,
  clock,
}: FactorPagesDeps): Readonly<
  Record<'show' | 'enrol' | 'renewCodes' | 'askRemoval' | 'remove', RequestHandler>
> {
  async function render(req: Request, res: Response, error?: string): Promise<void> {
    const { userId, username, role } = currentSession(req);
    const state = await secondFactor.stateOf(userId);
    if (state.enrolledAt !== undefined)
      return renderPage(req, res, 'accounts/second-factor', { title: 'Second factor', ...state });
    renderPage(req, res, 'accounts/enrolment', {
      title: 'Set up your second factor',
      isSignIn: false,
      isRequired: secondFactor.isRequired({ role }),
      hasRecoveryCodes: state.recoveryCodesLeft > 0,
      action: FACTOR_PAGE,
      enrolment: enrolments.show({ id: userId, username }, req.body?.sealed),
      notice: noticeOf(req, NOTICES),
      error,
    });
  }

  return {
    show: (req, res) => render(req, res),

    async enrol(req, res) {
      const { userId } = currentSession(req);
      const secret = enrolments.open(userId, req.body?.sealed);
      if (secret === undefined) return render(req, res.status(400), FORM_EXPIRED);
      const code = String(req.body?.code ?? '');
      const enrolled = await secondFactor.enrol({ userId, secret }, code, auditOrigin(req, res));
      if (enrolled.kind === 'wrong') return render(req, res.status(400), WRONG_CODE);
      // One was enrolled in another tab: the page shows it.
      if (enrolled.kind === 'refused') return res.redirect(303, FACTOR_PAGE);
      // A code of it was shown just now.
      req.session.factorAt = clock.now();
      showRecoveryCodes(req, res, enrolled.recoveryCodes, FACTOR_PAGE);
    },

    async renewCodes(req, res) {
      const codes = await secondFactor.renewRecoveryCodes(currentSession(req).userId, auditOrigin(req, res));
      if (codes === undefined) throw nothingThere();
      showRecoveryCodes(req, res, codes, FACTOR_PAGE);
    },

    async askRemoval(req, res) {
      const { userId, role } = currentSession(req);
      const { enrolledAt, passkeys } = await secondFactor.stateOf(userId);
      if (enrolledAt === undefined) return res.redirect(303, FACTOR_PAGE);
      renderPage(req, res, 'accounts/factor-removal', {
        title: 'Remove your second factor?',
        hasPasskeys: passkeys > 0,
        isRequired: secondFactor.isRequired({ role }),
      });
    },

    async remove(req, res) {
      await secondFactor.remove(currentSession(req).userId, auditOrigin(req, res));
      res.redirect(303, `${FACTOR_PAGE}?notice=removed`);
    },
  };
}

const nothingThere = (): AppError => new AppError('not_found', 'You have no second factor yet.');

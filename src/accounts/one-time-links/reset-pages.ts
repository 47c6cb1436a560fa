import type { Request, Response } from 'express';
import { z } from 'zod';
import { AppError, invalid } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { readForm, refuseForm, typedText } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { tooManyAttempts } from '../too-many-attempts.ts';
import { type LinkPage, renderLinkOver, renderLinkPage, tokenOf } from './link-page.ts';
import { LINK_PURPOSES } from './one-time-links.ts';
import type { PasswordReset } from './password-reset.ts';
import type { ResetRequests } from './reset-requests.ts';

export const RESET_PAGE = LINK_PURPOSES.password_reset.path;

export interface ResetPagesDeps {
  readonly resetRequests: ResetRequests;
  readonly passwordReset: PasswordReset;
  /** Whether mail can be sent. */
  readonly mailIsOn: boolean;
}

const requestForm = z.object({
  username: z
    .string({ error: 'Enter your username.' })
    .trim()
    .min(1, 'Enter your username.')
    .max(254, 'This is too long.'),
  code: z.string().trim().max(64, 'This is too long for a code.').default(''),
});
const passwordForm = z.object({
  password: z.string({ error: 'Enter a new password.' }).min(1, 'Enter a new password.'),
});

type Fields = Readonly<Record<string, string>>;

/** Asks for a link: by email where there is a mail server, or with a recovery code. */
export function createResetRequestPage({
  resetRequests,
  mailIsOn,
}: Pick<ResetPagesDeps, 'resetRequests' | 'mailIsOn'>): LinkPage {
  function render(req: Request, res: Response, fields: Fields, error?: AppError): void {
    if (error !== undefined) refuseForm(req, res, error);
    renderPage(req, res, 'accounts/links/reset-request', {
      title: 'Reset your password',
      mailIsOn,
      wasSent: req.method === 'GET' && req.query['notice'] === 'sent',
      username: typedText(req, 'username', 254) ?? '',
      fields,
    });
  }

  return {
    get: (req, res) => render(req, res, {}),

    async post(req, res) {
      const form = readForm(requestForm, req);
      if (!form.ok) return render(req, res, form.fields, invalid(form.fields));
      const { username, code } = form.values;
      const origin = auditOrigin(req, res);
      if (code === '' && !mailIsOn) {
        const fields = { code: 'Enter one of your recovery codes. This server sends no mail.' };
        return render(req, res, fields, invalid(fields));
      }
      const outcome = await (code === ''
        ? resetRequests.byEmail(username, origin)
        : resetRequests.byRecoveryCode(username, code, origin));
      switch (outcome.kind) {
        case 'accepted':
          return res.redirect(303, `${RESET_PAGE}?notice=sent`);
        case 'link':
          return res.redirect(303, outcome.link.path);
        case 'refused': {
          const message = 'The username or the recovery code is wrong, or the code was used before.';
          return render(req, res, { code: message }, new AppError('forbidden', message));
        }
        case 'limited': {
          const error = tooManyAttempts(outcome.retryAfterSeconds);
          return render(req, res, { username: error.message }, error);
        }
      }
    },
  };
}

/** Where a link leads: the new password. */
export function createResetPage({ passwordReset }: Pick<ResetPagesDeps, 'passwordReset'>): LinkPage {
  const over = (req: Request, res: Response) =>
    renderLinkOver(req, res, { href: RESET_PAGE, text: 'Ask for another link' });

  async function render(req: Request, res: Response, error?: AppError): Promise<void> {
    const found = await passwordReset.find(tokenOf(req));
    if (found === undefined) return over(req, res);
    if (error !== undefined) refuseForm(req, res, error);
    renderLinkPage(req, res, 'accounts/links/reset', {
      title: 'Choose a new password',
      username: found.user.username,
      endsRecoveryCodes: found.endsRecoveryCodes,
      action: req.path,
      fields: error?.fields ?? {},
    });
  }

  return {
    get: (req, res) => render(req, res),

    async post(req, res) {
      const form = readForm(passwordForm, req);
      if (!form.ok) return render(req, res, invalid(form.fields));
      const done = await passwordReset.complete(tokenOf(req), form.values.password, auditOrigin(req, res));
      if (done.kind === 'over') return over(req, res);
      if (done.kind === 'invalid') return render(req, res, invalid({ password: done.problem }));
      res.redirect(303, '/auth/login?reason=password_reset');
    },
  };
}

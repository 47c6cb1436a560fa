import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { AppError, invalid } from '../errors.ts';
import { readForm, refuseForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { isFresh } from '../sessions/reauthentication.ts';
import { wrongText } from './confirm-view.ts';
import type { Passkeys } from './passkeys/passkeys.ts';
import type { ChangePassword, PasswordChangeResult } from './password-change.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { tooManyAttempts } from './too-many-attempts.ts';

export const PASSWORD_PAGE = '/profile/password';

const LONGEST_INPUT = 1024;

const passwordForm = z.object({
  currentPassword: z
    .string({ error: 'Enter your current password.' })
    .min(1, 'Enter your current password.')
    .max(LONGEST_INPUT, 'This is too long for a password.'),
  newPassword: z.string({ error: 'Enter a new password.' }).min(1, 'Enter a new password.'),
  code: z.string().max(64, 'This is too long for a code.').optional(),
  others: z.enum(['end', 'keep'], { error: 'Choose one of the two.' }).default('end'),
});

type Fields = Readonly<Record<string, string>>;

/** Notices on top of the page, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  [
    'end',
    'Your password is changed. Your other sessions, API keys and broker connections have ended. You stay signed in here.',
  ],
  ['not_me', 'Change your password now: another person may know it.'],
  ['device_ended', 'That session has ended. Now change your password: the person who signed in may know it.'],
  ['keep', 'Your password is changed. Your other sessions, API keys and broker connections stay.'],
]);

export interface PasswordPageDeps {
  readonly changePassword: ChangePassword;
  readonly secondFactor: Pick<SecondFactor, 'stateOf'>;
  readonly passkeys: Pick<Passkeys, 'listRecent'>;
  readonly clock: Clock;
}

/** Where a user changes their own password. */
export function createPasswordPage({ changePassword, secondFactor, passkeys, clock }: PasswordPageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  return {
    get: (req, res) => render(req, res, {}),

    async post(req, res) {
      const form = readForm(passwordForm, req);
      if (!form.ok) return refuse(req, res, invalid(form.fields), form.fields);
      const result = await changePassword(req, res, form.values);
      if (result.kind === 'changed')
        return res.redirect(303, `${PASSWORD_PAGE}?notice=${form.values.others}`);
      const { asksCode } = await factorOf(req);
      const { error, fields } = problemOf(result, asksCode);
      await refuse(req, res, error, fields);
    },
  };

  /** A program gets the error; a person the form again, with what is wrong. */
  function refuse(req: Request, res: Response, error: AppError, fields: Fields): Promise<void> {
    refuseForm(req, res, error);
    return render(req, res, fields);
  }

  async function render(req: Request, res: Response, fields: Fields): Promise<void> {
    const notice = noticeOf(req, NOTICES);
    renderPage(req, res, 'accounts/password', {
      title: 'Change password',
      notice,
      // A thief may have added one, and it outlives the password.
      recentPasskeys: notice === undefined ? [] : await passkeys.listRecent(currentSession(req).userId),
      keepsOthers: req.body?.others === 'keep',
      ...(await factorOf(req)),
      fields,
    });
  }

  /** A user who used a passkey a moment ago need not show a factor once more. */
  async function factorOf(req: Request) {
    const { enrolledAt, passkeys } = await secondFactor.stateOf(currentSession(req).userId);
    const hasApp = enrolledAt !== undefined;
    return {
      asksCode: (hasApp || passkeys > 0) && !isFresh(req.session.passkeyAt, clock),
      hasApp,
      hasPasskeys: passkeys > 0,
    };
  }
}

function problemOf(
  result: Exclude<PasswordChangeResult, { kind: 'changed' }>,
  hasFactor: boolean,
): {
  readonly error: AppError;
  readonly fields: Fields;
} {
  switch (result.kind) {
    case 'invalid': {
      const fields = { newPassword: result.problem };
      return { error: invalid(fields), fields };
    }
    case 'refused': {
      const message = wrongText(hasFactor);
      return { error: new AppError('forbidden', message), fields: { currentPassword: message } };
    }
    case 'limited': {
      const error = tooManyAttempts(result.retryAfterSeconds);
      return { error, fields: { currentPassword: error.message } };
    }
  }
}

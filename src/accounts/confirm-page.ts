import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { waitInWords } from '../http/wait-in-words.ts';
import { currentSession } from '../sessions/current-session.ts';
import { HOME } from './complete-sign-in.ts';
import type { Confirmation, createConfirmIdentity } from './confirm-identity.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';

const confirmForm = z.object({
  password: z
    .string({ error: 'Enter your password.' })
    .min(1, 'Enter your password.')
    .max(1024, 'This is too long for a password.'),
  code: z.string().max(64, 'This is too long for a code.').optional(),
});

/** Asks who is signed in for their password, and leads back to where they were going. */
export function createConfirmPage(
  confirmIdentity: ReturnType<typeof createConfirmIdentity>,
  secondFactor: Pick<SecondFactor, 'has'>,
): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  return {
    get: (req, res) => render(req, res, safeReturnTo(req.query['returnTo'])),

    async post(req, res) {
      const returnTo = safeReturnTo(req.body?.returnTo);
      const form = readForm(confirmForm, req);
      if (!form.ok) return render(req, res.status(400), returnTo, Object.values(form.fields)[0]);
      const outcome = await confirmIdentity(req, res, form.values);
      if (outcome.kind === 'confirmed') return res.redirect(303, returnTo ?? HOME);
      await refuse(req, res, returnTo, outcome);
    },
  };

  function refuse(
    req: Request,
    res: Response,
    returnTo: string | undefined,
    outcome: Exclude<Confirmation, { kind: 'confirmed' }>,
  ): Promise<void> {
    if (outcome.kind === 'refused') return render(req, res.status(403), returnTo, 'wrong');
    const { retryAfterSeconds } = outcome;
    res.set('Retry-After', String(retryAfterSeconds)).status(429);
    return render(req, res, returnTo, `Too many attempts. Try again in ${waitInWords(retryAfterSeconds)}.`);
  }

  async function render(
    req: Request,
    res: Response,
    returnTo: string | undefined,
    error?: string,
  ): Promise<void> {
    const hasFactor = await secondFactor.has(currentSession(req).userId);
    renderPage(req, res, 'accounts/confirm', {
      title: 'Enter your password again',
      returnTo: returnTo ?? HOME,
      isAgain: (req.query['again'] ?? req.body?.again) === 'yes',
      hasFactor,
      error: error === 'wrong' ? wrongText(hasFactor) : error,
    });
  }
}

/** One sentence for both, so that a guesser does not learn which of them is right. */
export const wrongText = (hasFactor: boolean): string =>
  hasFactor
    ? 'The password or the code is wrong, or the code was used already: wait for the next one.'
    : 'The password is wrong.';

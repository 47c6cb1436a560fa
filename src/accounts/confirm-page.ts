import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { waitInWords } from '../http/wait-in-words.ts';
import type { Confirmation, createConfirmIdentity } from './confirm-identity.ts';

const HOME = '/dashboard';

const confirmForm = z.object({
  password: z
    .string({ error: 'Enter your password.' })
    .min(1, 'Enter your password.')
    .max(1024, 'This is too long for a password.'),
});

/** Asks who is signed in for their password, and leads back to where they were going. */
export function createConfirmPage(confirmIdentity: ReturnType<typeof createConfirmIdentity>): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  return {
    get: (req, res) => render(req, res, safeReturnTo(req.query['returnTo'])),

    async post(req, res) {
      const returnTo = safeReturnTo(req.body?.returnTo);
      const form = readForm(confirmForm, req);
      if (!form.ok) return render(req, res.status(400), returnTo, form.fields['password']);
      const outcome = await confirmIdentity(req, res, form.values.password);
      if (outcome.kind === 'confirmed') return res.redirect(303, returnTo ?? HOME);
      refuse(req, res, returnTo, outcome);
    },
  };
}

function refuse(req: Request, res: Response, returnTo: string | undefined, outcome: Confirmation): void {
  if (outcome.kind === 'limited') {
    const { retryAfterSeconds } = outcome;
    res.set('Retry-After', String(retryAfterSeconds)).status(429);
    render(req, res, returnTo, `Too many attempts. Try again in ${waitInWords(retryAfterSeconds)}.`);
  } else {
    render(req, res.status(403), returnTo, 'The password is wrong.');
  }
}

function render(req: Request, res: Response, returnTo: string | undefined, error?: string): void {
  renderPage(req, res, 'accounts/confirm', {
    title: 'Enter your password again',
    returnTo: returnTo ?? HOME,
    isAgain: (req.query['again'] ?? req.body?.again) === 'yes',
    error,
  });
}

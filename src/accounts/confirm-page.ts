import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { notFound } from '../errors.ts';
import { readForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { currentSession } from '../sessions/current-session.ts';
import { HOME } from './complete-sign-in.ts';
import type { Confirmation, createConfirmIdentity } from './confirm-identity.ts';
import type { ConfirmByPasskey } from './passkeys/confirm-by-passkey.ts';
import { PASSKEY_EXPIRED, PASSKEY_REFUSED } from './passkeys/passkey-sign-in.ts';
import type { Passkeys } from './passkeys/passkeys.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { tooManyAttempts } from './too-many-attempts.ts';

const confirmForm = z.object({
  password: z
    .string({ error: 'Enter your password.' })
    .min(1, 'Enter your password.')
    .max(1024, 'This is too long for a password.'),
  code: z.string().max(64, 'This is too long for a code.').optional(),
});

export interface ConfirmPageDeps {
  readonly confirmIdentity: ReturnType<typeof createConfirmIdentity>;
  readonly confirmByPasskey: ConfirmByPasskey;
  readonly secondFactor: Pick<SecondFactor, 'stateOf'>;
  readonly passkeys: Pick<Passkeys, 'relyingParty' | 'listOf' | 'begin'>;
}

/** Asks a signed-in user for their password or passkey, and leads back to where they were going. */
export function createConfirmPage({
  confirmIdentity,
  confirmByPasskey,
  secondFactor,
  passkeys,
}: ConfirmPageDeps): Readonly<Record<'get' | 'post' | 'passkeyOptions' | 'postPasskey', RequestHandler>> {
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

    async passkeyOptions(req, res) {
      const own = await passkeys.listOf(currentSession(req).userId);
      if (passkeys.relyingParty === undefined || own.length === 0) throw notFound();
      res.set('Cache-Control', 'no-store').json(passkeys.begin(req, 'confirm', own));
    },

    async postPasskey(req, res) {
      const returnTo = safeReturnTo(req.body?.returnTo);
      if (passkeys.relyingParty === undefined) throw notFound();
      const outcome = await confirmByPasskey(req, res);
      if (outcome.kind === 'confirmed') return res.redirect(303, returnTo ?? HOME);
      if (outcome.kind === 'expired') return render(req, res.status(403), returnTo, PASSKEY_EXPIRED);
      await refuse(req, res, returnTo, outcome, PASSKEY_REFUSED);
    },
  };

  function refuse(
    req: Request,
    res: Response,
    returnTo: string | undefined,
    outcome: Exclude<Confirmation, { kind: 'confirmed' }>,
    refusal = 'wrong',
  ): Promise<void> {
    if (outcome.kind === 'refused') return render(req, res.status(403), returnTo, refusal);
    const { retryAfterSeconds } = outcome;
    res.set('Retry-After', String(retryAfterSeconds)).status(429);
    return render(req, res, returnTo, tooManyAttempts(retryAfterSeconds).message);
  }

  async function render(
    req: Request,
    res: Response,
    returnTo: string | undefined,
    error?: string,
  ): Promise<void> {
    const { enrolledAt, passkeys: count } = await secondFactor.stateOf(currentSession(req).userId);
    const hasApp = enrolledAt !== undefined;
    const hasFactor = hasApp || count > 0;
    renderPage(req, res, 'accounts/confirm', {
      title: 'Enter your password again',
      returnTo: returnTo ?? HOME,
      isAgain: (req.query['again'] ?? req.body?.again) === 'yes',
      hasFactor,
      hasApp,
      hasPasskeys: passkeys.relyingParty !== undefined && count > 0,
      error: error === 'wrong' ? wrongText(hasFactor) : error,
    });
  }
}

/** One sentence for both, so that a guesser does not learn which of them is right. */
export const wrongText = (hasFactor: boolean): string =>
  hasFactor
    ? 'The password or the code is wrong, or the code was used already: wait for the next one.'
    : 'The password is wrong.';

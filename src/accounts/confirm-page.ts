import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { notFound } from '../errors.ts';
import { readForm } from '../http/form.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { currentSession } from '../sessions/current-session.ts';
import { HOME } from './complete-sign-in.ts';
import type { Confirmation, createConfirmIdentity } from './confirm-identity.ts';
import type { ConfirmView, Continuation } from './confirm-view.ts';
import { type KeptForms, sealedIn } from './kept-forms.ts';
import type { ConfirmByPasskey } from './passkeys/confirm-by-passkey.ts';
import { PASSKEY_EXPIRED, PASSKEY_REFUSED } from './passkeys/passkey-sign-in.ts';
import type { Passkeys } from './passkeys/passkeys.ts';
import { tooManyAttempts } from './too-many-attempts.ts';

const confirmForm = z.object({
  password: z
    .string({ error: 'Enter your password.' })
    .min(1, 'Enter your password.')
    .max(1024, 'This is too long for a password.'),
  code: z.string().max(64, 'This is too long for a code.').optional(),
});

const NOT_KEPT =
  'The form that you sent is not kept any more. Enter your password here first, and then send the form again.';

export interface ConfirmPageDeps {
  readonly confirmIdentity: ReturnType<typeof createConfirmIdentity>;
  readonly confirmByPasskey: ConfirmByPasskey;
  readonly confirmView: Pick<ConfirmView, 'show'>;
  readonly keptForms: Pick<KeptForms, 'open'>;
  readonly passkeys: Pick<Passkeys, 'relyingParty' | 'listOf' | 'begin'>;
}

/** Asks a signed-in user for their password or passkey, and carries out the form that waits for it or leads on to a page. */
export function createConfirmPage({
  confirmIdentity,
  confirmByPasskey,
  confirmView,
  keptForms,
  passkeys,
}: ConfirmPageDeps): Readonly<Record<'get' | 'post' | 'passkeyOptions' | 'postPasskey', RequestHandler>> {
  return {
    get: (req, res) => confirmView.show(req, res, { returnTo: safeReturnTo(req.query['returnTo']) }),

    async post(req, res) {
      const continuation = continuationOf(req);
      if (isLost(req, continuation)) return confirmView.show(req, res.status(400), continuation, NOT_KEPT);
      const form = readForm(confirmForm, req);
      if (!form.ok)
        return confirmView.show(req, res.status(400), continuation, Object.values(form.fields)[0]);
      const outcome = await confirmIdentity(req, res, form.values);
      if (outcome.kind === 'confirmed') return goOn(res, continuation);
      await refuse(req, res, continuation, outcome);
    },

    async passkeyOptions(req, res) {
      const own = await passkeys.listOf(currentSession(req).userId);
      if (passkeys.relyingParty === undefined || own.length === 0) throw notFound();
      res.set('Cache-Control', 'no-store').json(passkeys.begin(req, 'confirm', own));
    },

    async postPasskey(req, res) {
      if (passkeys.relyingParty === undefined) throw notFound();
      const continuation = continuationOf(req);
      if (isLost(req, continuation)) return confirmView.show(req, res.status(400), continuation, NOT_KEPT);
      const outcome = await confirmByPasskey(req, res);
      if (outcome.kind === 'confirmed') return goOn(res, continuation);
      if (outcome.kind === 'expired')
        return confirmView.show(req, res.status(403), continuation, PASSKEY_EXPIRED);
      await refuse(req, res, continuation, outcome, PASSKEY_REFUSED);
    },
  };

  function continuationOf(req: Request): Continuation {
    const isNotKept = req.body?.notKept === 'yes';
    return { returnTo: safeReturnTo(req.body?.returnTo), keptForm: keptForms.open(req), isNotKept };
  }

  function refuse(
    req: Request,
    res: Response,
    continuation: Continuation,
    outcome: Exclude<Confirmation, { kind: 'confirmed' }>,
    refusal = 'wrong',
  ): Promise<void> {
    if (outcome.kind === 'refused') return confirmView.show(req, res.status(403), continuation, refusal);
    const { retryAfterSeconds } = outcome;
    res.set('Retry-After', String(retryAfterSeconds)).status(429);
    return confirmView.show(req, res, continuation, tooManyAttempts(retryAfterSeconds).message);
  }
}

const isLost = (req: Request, { keptForm }: Continuation): boolean =>
  keptForm === undefined && sealedIn(req) !== undefined;

/** 307 has the browser send the same form there, with the kept one in it (RFC 9110, 15.4.8): no script is needed for it. */
function goOn(res: Response, { keptForm, returnTo = HOME }: Continuation): void {
  if (keptForm === undefined) res.redirect(303, returnTo);
  else res.redirect(307, keptForm.path);
}

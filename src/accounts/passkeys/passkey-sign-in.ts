import type { Request, RequestHandler, Response } from 'express';
import { AppError, notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { safeReturnTo } from '../../http/return-to.ts';
import { type CompleteSignIn, HOME } from '../complete-sign-in.ts';
import type { FailedSignIns } from '../failed-sign-ins.ts';
import type { LoginView } from '../login-view.ts';
import type { PendingSignIns } from '../second-factor/pending-sign-in.ts';
import { tooManyAttempts } from '../too-many-attempts.ts';
import type { PasskeyAttempt, TryPasskey } from './passkey-attempt.ts';
import type { Passkeys } from './passkeys.ts';

export const PASSKEY_SIGN_IN = '/auth/login/passkey';

/** One sentence, whether or not the passkey is known here. */
export const PASSKEY_REFUSED =
  'The passkey was not accepted here. Try another one, or sign in with your password.';
export const PASSKEY_EXPIRED = 'This took longer than five minutes. Use your passkey again.';

export interface PasskeySignInDeps {
  readonly passkeys: Pick<Passkeys, 'relyingParty' | 'begin'>;
  readonly tryPasskey: TryPasskey;
  readonly pending: Pick<PendingSignIns, 'end'>;
  readonly failures: Pick<FailedSignIns, 'record'>;
  readonly completeSignIn: CompleteSignIn;
  readonly loginView: Pick<LoginView, 'refuse'>;
}

/** Signs in by a passkey alone: the device verifies its owner, so it is both factors in one. */
export function createPasskeySignIn(deps: PasskeySignInDeps): {
  readonly options: RequestHandler;
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  const { passkeys, tryPasskey, pending, failures, completeSignIn, loginView } = deps;

  async function recordFailure(
    req: Request,
    res: Response,
    outcome: Exclude<PasskeyAttempt, { kind: 'accepted' | 'expired' }>,
  ): Promise<void> {
    if (outcome.kind === 'limited' && !outcome.worthRecording) return;
    const why = outcome.kind === 'limited' ? 'rate_limited' : outcome.why;
    await failures.record({ ...outcome, why }, auditOrigin(req, res));
  }

  return {
    options(req, res) {
      if (passkeys.relyingParty === undefined) throw notFound();
      res.set('Cache-Control', 'no-store').json(passkeys.begin(req, 'sign_in'));
    },

    get: (_req, res) => res.redirect(303, '/auth/login'),

    async post(req, res) {
      const returnTo = safeReturnTo(req.body?.returnTo);
      if (passkeys.relyingParty === undefined) throw notFound();
      const outcome = await tryPasskey(req, res, 'sign_in');
      if (outcome.kind === 'expired')
        return loginView.refuse(req, res, new AppError('login_required', PASSKEY_EXPIRED), returnTo);
      if (outcome.kind !== 'accepted') {
        await recordFailure(req, res, outcome);
        const error =
          outcome.kind === 'limited'
            ? tooManyAttempts(outcome.retryAfterSeconds)
            : new AppError('login_required', PASSKEY_REFUSED);
        return loginView.refuse(req, res, error, returnTo);
      }
      if ((await completeSignIn(req, res, { ...outcome, method: 'passkey' })) === 'refused')
        return loginView.refuse(req, res, new AppError('login_required', PASSKEY_REFUSED), returnTo);
      pending.end(res);
      res.redirect(303, returnTo ?? HOME);
    },
  };
}

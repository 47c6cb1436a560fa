import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, invalid } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { clientAddress } from '../../http/client-address.ts';
import { readForm } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { setWaited } from '../../http/request-watch.ts';
import { safeReturnTo } from '../../http/return-to.ts';
import { waitInWords } from '../../http/wait-in-words.ts';
import { wantsJson } from '../../http/wants-json.ts';
import { type CompleteSignIn, HOME } from '../complete-sign-in.ts';
import type { DeviceCookies } from '../device-cookies.ts';
import type { FailedSignIn, FailedSignIns } from '../failed-sign-ins.ts';
import { type LoginLimiter, withoutCountingFaults } from '../login-limiter.ts';
import { usernameKey } from '../username.ts';
import type { PendingSignIn, PendingSignIns } from './pending-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

export const CODE_PAGE = '/auth/login/totp';

export const codeSchema = z
  .string({ error: 'Enter a code.' })
  .trim()
  .min(1, 'Enter a code.')
  .max(64, 'This is too long for a code.');
const codeForm = z.object({ code: codeSchema });

export interface CodePageDeps {
  readonly secondFactor: Pick<SecondFactor, 'check'>;
  readonly pending: PendingSignIns;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
  readonly failures: Pick<FailedSignIns, 'record'>;
  readonly completeSignIn: CompleteSignIn;
}

/** Asks who has entered the right password for a code. */
export function createCodePage(deps: CodePageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
} {
  const { secondFactor, pending, limiter, devices, failures, completeSignIn } = deps;

  return {
    async get(req, res) {
      if ((await pending.find(req, 'code')) === undefined) return startAgain(req, res, pending);
      render(req, res, safeReturnTo(req.query['returnTo']));
    },

    async post(req, res) {
      const signIn = await pending.find(req, 'code');
      if (signIn === undefined) return startAgain(req, res, pending);
      const returnTo = safeReturnTo(req.body?.returnTo);
      const form = readForm(codeForm, req);
      if (!form.ok) return refuse(req, res, invalid(form.fields), returnTo, form.fields['code']);
      const outcome = await tryCode(req, res, signIn, form.values.code);
      switch (outcome.kind) {
        case 'signed_in':
          pending.end(res);
          return res.redirect(303, returnTo ?? HOME);
        case 'over':
          return startAgain(req, res, pending);
        case 'wrong':
          return refuse(req, res, new AppError('login_required', 'The code is wrong or was used.'), returnTo);
        case 'limited': {
          const { retryAfterSeconds } = outcome;
          const message = `Too many attempts. Try again in ${waitInWords(retryAfterSeconds)}.`;
          return refuse(req, res, new AppError('rate_limited', message, { retryAfterSeconds }), returnTo);
        }
      }
    },
  };

  async function tryCode(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    code: string,
  ): Promise<
    | { readonly kind: 'signed_in' | 'wrong' | 'over' }
    | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  > {
    const { user, passwordHash } = signIn;
    const key = usernameKey(user.username);
    const device = devices.recognise(req, key);
    const recordFailure = (why: FailedSignIn['why']) =>
      failures.record(
        { username: user.username, why, isKnownDevice: device !== undefined },
        auditOrigin(req, res),
      );
    const admission = await limiter.admit({ address: clientAddress(req), usernameKey: key, device });
    if (admission.kind === 'limited') {
      if (admission.worthRecording) await recordFailure('rate_limited');
      return { kind: 'limited', retryAfterSeconds: admission.retryAfterSeconds };
    }
    if (admission.lane === 'slow') setWaited(res);
    return withoutCountingFaults(admission, async () => {
      if (!(await signIn.takeTry())) return { kind: 'over' };
      const check = await secondFactor.check(user.id, code, {
        isKnownDevice: (since) => devices.recognise(req, key, since) !== undefined,
        origin: auditOrigin(req, res, user.username),
      });
      if (check.kind === 'none') return { kind: 'over' };
      if (check.kind !== 'accepted') {
        await recordFailure(check.kind === 'limited' ? 'rate_limited' : 'code');
        return check;
      }
      const begun = await completeSignIn(req, res, { user, passwordHash, method: check.method });
      await admission.giveBack();
      return { kind: begun === 'signed_in' ? 'signed_in' : 'over' };
    });
  }
}

/** A sign-in that is over begins with the password again. */
export function startAgain(
  req: Request,
  res: Response,
  pending: Pick<PendingSignIns, 'end'>,
  reason: 'code_expired' | 'factor_enrolled' = 'code_expired',
): void {
  pending.end(res);
  if (wantsJson(req)) throw new AppError('login_required', 'Sign in with your password first.');
  const returnTo = safeReturnTo(req.body?.returnTo ?? req.query['returnTo']);
  const query = new URLSearchParams({
    reason,
    ...(returnTo === undefined ? {} : { returnTo }),
  });
  res.redirect(303, `/auth/login?${query}`);
}

function refuse(
  req: Request,
  res: Response,
  error: AppError,
  returnTo: string | undefined,
  message = error.message,
): void {
  if (wantsJson(req)) throw error;
  if (error.retryAfterSeconds !== undefined) res.set('Retry-After', String(error.retryAfterSeconds));
  render(req, res.status(error.status), returnTo, message);
}

function render(req: Request, res: Response, returnTo: string | undefined, error?: string): void {
  renderPage(req, res, 'accounts/code', { title: 'Enter your code', returnTo, error });
}

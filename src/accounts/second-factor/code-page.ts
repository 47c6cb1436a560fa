import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import { AppError, invalid } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { clientAddress } from '../../http/client-address.ts';
import { readForm, refuseForm } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { setWaited } from '../../http/request-watch.ts';
import { safeReturnTo } from '../../http/return-to.ts';
import { wantsJson } from '../../http/wants-json.ts';
import { type CompleteSignIn, HOME } from '../complete-sign-in.ts';
import type { DeviceCookies } from '../device-cookies.ts';
import type { FailedSignIn, FailedSignIns } from '../failed-sign-ins.ts';
import { type LoginLimiter, withoutCountingFaults } from '../login-limiter.ts';
import type { LoginReason } from '../login-reasons.ts';
import { tooManyAttempts } from '../too-many-attempts.ts';
import { usernameKey } from '../username.ts';
import type { PendingSignIn, PendingSignIns } from './pending-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

export const CODE_PAGE = '/auth/login/totp';

/** What the sign-in page says of a sign-in that has to begin again. */
const START_AGAIN_REASONS = {
  over: 'code_expired',
  finished: 'code_sent_twice',
  factor_enrolled: 'factor_enrolled',
} as const satisfies Record<string, LoginReason>;

/** How long the second of two requests with the same code waits for what becomes of the first. */
const LONGEST_WAIT_MS = 2 * SECOND_MS;
const POLL_MS = 50;

export const codeSchema = z
  .string({ error: 'Enter a code.' })
  .trim()
  .min(1, 'Enter a code.')
  .max(64, 'This is too long for a code.');
const codeForm = z.object({ code: codeSchema });

export interface CodePageDeps {
  readonly secondFactor: Pick<SecondFactor, 'check' | 'stateOf'>;
  /** Whether browsers can have passkeys for BASE_URL. */
  readonly hasPasskeys: boolean;
  readonly pending: PendingSignIns;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
  readonly failures: Pick<FailedSignIns, 'record'>;
  readonly completeSignIn: CompleteSignIn;
  readonly clock: Clock;
}

interface SentCode {
  readonly code: string;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly returnTo: string | undefined;
}

/** Asks a user who has entered the right password for a code. */
export function createCodePage(deps: CodePageDeps): {
  readonly get: RequestHandler;
  readonly post: RequestHandler;
  readonly answer: (req: Request, res: Response, signIn: PendingSignIn, sent: SentCode) => Promise<void>;
} {
  const { secondFactor, pending, limiter, devices, failures, completeSignIn, clock, hasPasskeys } = deps;

  return {
    async get(req, res) {
      const signIn = await pending.find(req, 'code');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      await render(req, res, signIn, safeReturnTo(req.query['returnTo']));
    },

    async post(req, res) {
      // A code that waits for its turn was good when it came.
      const at = clock.now();
      const signIn = await pending.find(req, 'code');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      const returnTo = safeReturnTo(req.body?.returnTo);
      const form = readForm(codeForm, req);
      if (!form.ok) return refuse(req, res, signIn, invalid(form.fields), returnTo, form.fields['code']);
      await answer(req, res, signIn, { code: form.values.code, at, returnTo });
    },

    answer,
  };

  /** Signs in by the code, or shows what is wrong with it on the page for codes. */
  async function answer(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    { code, at, returnTo }: SentCode,
  ): Promise<void> {
    const outcome = await tryCode(req, res, signIn, { code, at });
    switch (outcome.kind) {
      case 'signed_in':
        pending.end(res);
        return res.redirect(303, returnTo ?? HOME);
      case 'over':
      case 'finished':
        return startAgain(req, res, pending, outcome.kind);
      case 'wrong':
        return refuse(
          req,
          res,
          signIn,
          new AppError('login_required', 'The code is wrong or was used.'),
          returnTo,
        );
      case 'limited':
        return refuse(req, res, signIn, tooManyAttempts(outcome.retryAfterSeconds), returnTo);
    }
  }

  async function tryCode(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    { code, at }: Omit<SentCode, 'returnTo'>,
  ): Promise<
    | { readonly kind: 'signed_in' | 'wrong' | 'over' | 'finished' }
    | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  > {
    const { user, passwordHash } = signIn;
    const key = usernameKey(user.username);
    const device = await devices.recognise(req, key);
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
      if (!(await signIn.isFirst(code)) && (await isFinishedSoon(signIn))) return { kind: 'finished' };
      const check = await secondFactor.check(user.id, code, {
        isKnownDevice: async (since) => (await devices.recognise(req, key, since)) !== undefined,
        at,
        origin: auditOrigin(req, res, user.username),
      });
      if (check.kind === 'none') return { kind: 'over' };
      if (check.kind !== 'accepted') {
        await recordFailure(check.kind === 'limited' ? 'rate_limited' : 'code');
        return check;
      }
      // The code is used up, and so is what was half a sign-in: a copy of its cookie begins nothing.
      if (!(await signIn.finish())) return { kind: 'finished' };
      const begun = await completeSignIn(req, res, { user, passwordHash, method: check.method });
      await admission.giveBack();
      return { kind: begun === 'signed_in' ? 'signed_in' : 'over' };
    });
  }

  function refuse(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    error: AppError,
    returnTo: string | undefined,
    message = error.message,
  ): Promise<void> {
    refuseForm(req, res, error);
    return render(req, res, signIn, returnTo, message);
  }

  async function render(
    req: Request,
    res: Response,
    { user }: PendingSignIn,
    returnTo: string | undefined,
    error?: string,
  ): Promise<void> {
    const { enrolledAt, passkeys: count } = await secondFactor.stateOf(user.id);
    renderPage(req, res, 'accounts/code', {
      title: 'Enter your code',
      hasApp: enrolledAt !== undefined,
      hasPasskeys: hasPasskeys && count > 0,
      returnTo,
      error,
    });
  }
}

/** Whether the first of two requests with the same code, which may still be under way, signed in. */
async function isFinishedSoon(signIn: PendingSignIn): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += POLL_MS) {
    if (await signIn.isFinished()) return true;
    await sleep(POLL_MS);
  }
  return signIn.isFinished();
}

/** A sign-in that is over begins with the password again. */
export function startAgain(
  req: Request,
  res: Response,
  pending: Pick<PendingSignIns, 'end'>,
  why: 'over' | 'finished' | 'factor_enrolled' = 'over',
): void {
  pending.end(res);
  if (wantsJson(req)) throw new AppError('login_required', 'Sign in with your password first.');
  const returnTo = safeReturnTo(req.body?.returnTo ?? req.query['returnTo']);
  const query = new URLSearchParams({
    reason: START_AGAIN_REASONS[why],
    ...(returnTo === undefined ? {} : { returnTo }),
  });
  res.redirect(303, `/auth/login?${query}`);
}

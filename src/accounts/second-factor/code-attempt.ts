import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { SECOND_MS } from '../../core/duration.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { clientAddress } from '../../http/client-address.ts';
import { setWaited } from '../../http/request-watch.ts';
import type { CompleteSignIn } from '../complete-sign-in.ts';
import type { DeviceCookies } from '../device-cookies.ts';
import type { FailedSignIn, FailedSignIns } from '../failed-sign-ins.ts';
import { type LoginLimiter, withoutCountingFaults } from '../login-limiter.ts';
import { usernameKey } from '../username.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

/** How long the second of two requests with the same code waits for what becomes of the first. */
const LONGEST_WAIT_MS = 2 * SECOND_MS;
const POLL_MS = 50;

export type CodeAttempt =
  | { readonly kind: 'signed_in' | 'wrong' | 'over' | 'finished' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

/** `at`: when the code came, in ms since the epoch. */
export type TryCode = (
  req: Request,
  res: Response,
  signIn: PendingSignIn,
  sent: { readonly code: string; readonly at: number },
) => Promise<CodeAttempt>;

export interface TryCodeDeps {
  readonly secondFactor: Pick<SecondFactor, 'check'>;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
  readonly failures: Pick<FailedSignIns, 'record'>;
  readonly completeSignIn: CompleteSignIn;
}

/** Finishes a sign-in by the code of its user, limited as sign-ins are. Throws `unavailable` as they do. */
export function createTryCode(deps: TryCodeDeps): TryCode {
  const { secondFactor, limiter, devices, failures, completeSignIn } = deps;

  return async function tryCode(req, res, signIn, { code, at }) {
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
      if (!(await signIn.isFirst(code)) && (await isFinishedSoon(signIn, code))) return { kind: 'finished' };
      const check = await secondFactor.check(user.id, code, {
        isKnownDevice: async (since) => (await devices.recognise(req, key, since)) !== undefined,
        at,
        origin: auditOrigin(req, res, user.username),
      });
      if (check.kind === 'none') return { kind: 'over' };
      if (check.kind !== 'accepted') {
        await signIn.refuse(code);
        await recordFailure(check.kind === 'limited' ? 'rate_limited' : 'code');
        return check;
      }
      // The code is used up, and so is what was half a sign-in: a copy of its cookie begins nothing.
      if (!(await signIn.finish())) return { kind: 'finished' };
      const begun = await completeSignIn(req, res, { user, passwordHash, method: check.method });
      await admission.giveBack();
      return { kind: begun === 'signed_in' ? 'signed_in' : 'over' };
    });
  };
}

/** Whether the first of two requests with the same code, which may still be under way, signed in. */
async function isFinishedSoon(signIn: PendingSignIn, code: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += POLL_MS) {
    if (await signIn.isFinished()) return true;
    if (await signIn.isRefused(code)) return false;
    await sleep(POLL_MS);
  }
  return signIn.isFinished();
}

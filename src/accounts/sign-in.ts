import type { Request, Response } from 'express';
import { auditOrigin } from '../http/audit-origin.ts';
import { clientAddress } from '../http/client-address.ts';
import { setWaited } from '../http/request-watch.ts';
import type { Authentication, Authenticator } from './authenticator.ts';
import type { CompleteSignIn } from './complete-sign-in.ts';
import type { DeviceCookies } from './device-cookies.ts';
import type { FailedSignIn, FailedSignIns } from './failed-sign-ins.ts';
import type { HashLane } from './hash-queue.ts';
import { type LoginLimiter, withoutCountingFaults } from './login-limiter.ts';
import type { PendingSignIn, PendingSignIns, PendingStep } from './second-factor/pending-sign-in.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { usernameKey } from './username.ts';

export interface LoginCredentials {
  readonly username: string;
  readonly password: string;
}

export type SignInResult =
  | { readonly kind: 'signed_in' }
  /** The password was right; the sign-in is not complete yet. */
  | { readonly kind: 'second_factor'; readonly step: PendingStep; readonly pending: PendingSignIn }
  /** One answer for an unknown name, a wrong password and a disabled account. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export interface SignInDeps {
  readonly authenticator: Authenticator;
  readonly limiter: LoginLimiter;
  readonly devices: DeviceCookies;
  readonly failures: Pick<FailedSignIns, 'record'>;
  readonly secondFactor: Pick<SecondFactor, 'nextStep'>;
  readonly pending: Pick<PendingSignIns, 'begin'>;
  readonly completeSignIn: CompleteSignIn;
}

type Refusal = Extract<Authentication, { kind: 'refused' }>;

/** Signs the browser in, or says why not. Throws `unavailable` when passwords or sessions cannot be worked on. */
export type SignIn = (req: Request, res: Response, credentials: LoginCredentials) => Promise<SignInResult>;

/** The whole of it: limit, check, and sign in or ask for the second factor. */
export function createSignIn(deps: SignInDeps): SignIn {
  const { authenticator, limiter, devices, failures, secondFactor, pending, completeSignIn } = deps;

  async function signIn(
    req: Request,
    res: Response,
    { username, password }: LoginCredentials,
  ): Promise<SignInResult> {
    const key = usernameKey(username);
    const device = await devices.recognise(req, key);
    const admission = await limiter.admit({ address: clientAddress(req), usernameKey: key, device });
    const recordFailure = (why: FailedSignIn['why']) =>
      failures.record({ username, why, isKnownDevice: device !== undefined }, auditOrigin(req, res));
    if (admission.kind === 'limited') {
      if (admission.worthRecording) await recordFailure('rate_limited');
      return { kind: 'limited', retryAfterSeconds: admission.retryAfterSeconds };
    }

    const outcome = await withoutCountingFaults(admission, () =>
      begin(req, res, { username, password }, admission.lane),
    );
    if (outcome.kind === 'refused') {
      await recordFailure(outcome.why);
      return outcome;
    }
    await admission.giveBack();
    return outcome;
  }

  async function begin(
    req: Request,
    res: Response,
    { username, password }: LoginCredentials,
    lane: HashLane,
  ): Promise<Exclude<SignInResult, { kind: 'limited' | 'refused' }> | Refusal> {
    // It took its time on purpose, which says nothing about how fast the server is.
    if (lane === 'slow') setWaited(res);
    const outcome = await authenticator.authenticate(username, password, lane);
    if (outcome.kind === 'refused') return outcome;
    const step = await secondFactor.nextStep(outcome.user);
    if (step !== 'none') {
      return { kind: 'second_factor', step, pending: pending.begin(res, outcome, step) };
    }
    const begun = await completeSignIn(req, res, { ...outcome, method: 'password' });
    return begun === 'signed_in' ? { kind: 'signed_in' } : { kind: 'refused', why: 'credentials' };
  }

  return signIn;
}

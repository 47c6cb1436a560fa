import type { Request, RequestHandler, Response } from 'express';
import { notFound } from '../../errors.ts';
import { auditOrigin } from '../../http/audit-origin.ts';
import { readForm } from '../../http/form.ts';
import { renderPage } from '../../http/page.ts';
import { safeReturnTo } from '../../http/return-to.ts';
import { deviceName } from '../../sessions/device-view.ts';
import { newDeviceId } from '../../sessions/lifecycle.ts';
import { type CompleteSignIn, HOME } from '../complete-sign-in.ts';
import { newPasskeySchema, REGISTRATION_PROBLEMS, registerFrom } from '../passkeys/new-passkey.ts';
import type { Passkeys } from '../passkeys/passkeys.ts';
import type { User } from '../user-store.ts';
import { startAgain } from './code-page.ts';
import type { Enrolments } from './enrolment.ts';
import type { PendingSignIn, PendingSignIns } from './pending-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

export const ENROLMENT_PAGE = '/auth/login/enrolment';

export interface EnrolmentPageDeps {
  readonly secondFactor: Pick<SecondFactor, 'enrol' | 'has'>;
  readonly enrolments: Enrolments;
  readonly pending: PendingSignIns;
  readonly completeSignIn: CompleteSignIn;
  readonly passkeys: Pick<Passkeys, 'relyingParty' | 'beginRegistration' | 'register'>;
}

/** Has a user who must have a second factor enrol one between the right password and the first page. */
export function createEnrolmentPage({
  secondFactor,
  enrolments,
  pending,
  completeSignIn,
  passkeys,
}: EnrolmentPageDeps): Readonly<Record<'get' | 'post' | 'passkeyOptions' | 'postPasskey', RequestHandler>> {
  function render(req: Request, res: Response, user: User, error?: string): void {
    renderPage(req, res, 'accounts/enrolment', {
      title: 'Set up your second factor',
      isSignIn: true,
      hasPasskeys: passkeys.relyingParty !== undefined,
      passkeyName: deviceName(req.get('user-agent') ?? ''),
      action: ENROLMENT_PAGE,
      enrolment: enrolments.show(user, req.body?.sealed),
      returnTo: safeReturnTo(req.body?.returnTo ?? req.query['returnTo']),
      error,
    });
  }

  return {
    async get(req, res) {
      const signIn = await pending.find(req, 'enrol');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      render(req, res, signIn.user);
    },

    async post(req, res) {
      const signIn = await pending.find(req, 'enrol');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      const { user, passwordHash } = signIn;
      const secret = enrolments.open(user.id, req.body?.sealed);
      if (secret === undefined) return render(req, res.status(400), user, FORM_EXPIRED);
      const code = String(req.body?.code ?? '');
      const origin = originOfNewDevice(req, res, user);
      const enrolled = await secondFactor.enrol({ userId: user.id, secret, passwordHash }, code, origin);
      if (enrolled.kind === 'wrong') return render(req, res.status(400), user, WRONG_CODE);
      if (enrolled.kind === 'refused') {
        const reason = (await secondFactor.has(user.id)) ? 'factor_enrolled' : 'over';
        return startAgain(req, res, pending, reason);
      }
      const { recoveryCodes } = enrolled;
      await signInEnrolled(req, res, signIn, { ...origin, method: 'totp', recoveryCodes });
    },

    async passkeyOptions(req, res) {
      const signIn = await pending.find(req, 'enrol');
      if (passkeys.relyingParty === undefined || signIn === undefined || signIn === 'finished')
        throw notFound();
      res.set('Cache-Control', 'no-store').json(await passkeys.beginRegistration(req, 'enrol', signIn.user));
    },

    async postPasskey(req, res) {
      const signIn = await pending.find(req, 'enrol');
      if (signIn === undefined || signIn === 'finished') return startAgain(req, res, pending, signIn);
      if (passkeys.relyingParty === undefined) throw notFound();
      const { user, passwordHash } = signIn;
      const form = readForm(newPasskeySchema, req);
      if (!form.ok) return render(req, res.status(400), user, Object.values(form.fields)[0]);
      const origin = originOfNewDevice(req, res, user);
      const owner = { userId: user.id, passwordHash, origin };
      const enrolled = await registerFrom(req, passkeys, 'enrol', form.values, owner);
      if (enrolled.kind === 'refused' && (await secondFactor.has(user.id)))
        return startAgain(req, res, pending, 'factor_enrolled');
      if (enrolled.kind !== 'registered')
        return render(req, res.status(400), user, REGISTRATION_PROBLEMS[enrolled.kind]);
      const { recoveryCodes = [] } = enrolled;
      await signInEnrolled(req, res, signIn, { ...origin, method: 'passkey', recoveryCodes });
    },
  };

  async function signInEnrolled(
    req: Request,
    res: Response,
    signIn: PendingSignIn,
    { deviceId, method, recoveryCodes }: Enrolled,
  ): Promise<void> {
    const { user, passwordHash } = signIn;
    const isSignedIn =
      (await signIn.finish()) &&
      (await completeSignIn(req, res, { user, passwordHash, method, deviceId })) === 'signed_in';
    if (!isSignedIn) return startAgain(req, res, pending);
    pending.end(res);
    const { username, role } = user;
    res.locals['viewer'] = { username, role };
    showRecoveryCodes(req, res, recoveryCodes, safeReturnTo(req.body?.returnTo) ?? HOME);
  }
}

interface Enrolled {
  readonly deviceId: string;
  readonly method: 'totp' | 'passkey';
  readonly recoveryCodes: readonly string[];
}

/** With the id of the session that will begin: it is not told of what it did itself. */
const originOfNewDevice = (req: Request, res: Response, { username }: User) => ({
  ...auditOrigin(req, res, username),
  deviceId: newDeviceId(),
});

export const WRONG_CODE =
  'The code is wrong. Enter the one that the app shows now, and check the time of your phone.';
export const FORM_EXPIRED = 'This page was open for too long. Scan the new code.';

/** In the answer to the form and nowhere else: only digests are stored. */
export function showRecoveryCodes(
  req: Request,
  res: Response,
  recoveryCodes: readonly string[],
  next: string,
): void {
  renderPage(req, res, 'accounts/recovery-codes', {
    title: 'Your recovery codes',
    recoveryCodes,
    next,
    offersEnd: !req.path.startsWith(ENROLMENT_PAGE),
  });
}

import { Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import { CONFIRM } from '../sessions/reauthentication.ts';
import { type CompleteSignInDeps, createCompleteSignIn } from './complete-sign-in.ts';
import { createConfirmIdentity } from './confirm-identity.ts';
import { createConfirmPage } from './confirm-page.ts';
import type { ConfirmView } from './confirm-view.ts';
import { INVITATION_ROUTES } from './invitations/invitation-page.ts';
import type { KeptForms } from './kept-forms.ts';
import { createLoginPage, type LoginPageDeps } from './login-page.ts';
import type { LoginView } from './login-view.ts';
import { NOTICE_ROUTES } from './notices/notice-pages.ts';
import { LINK_ROUTES } from './one-time-links/routes.ts';
import { createConfirmByPasskey } from './passkeys/confirm-by-passkey.ts';
import { createTryPasskey } from './passkeys/passkey-attempt.ts';
import { createPasskeyPages, PASSKEYS_PAGE } from './passkeys/passkey-pages.ts';
import { createPasskeySignIn, PASSKEY_SIGN_IN } from './passkeys/passkey-sign-in.ts';
import type { Passkeys } from './passkeys/passkeys.ts';
import { createPasswordChange, type PasswordChangeDeps } from './password-change.ts';
import { createPasswordPage, PASSWORD_PAGE } from './password-page.ts';
import { createProfilePages, EMAIL_PAGE, PROFILE, type ProfilePagesDeps } from './profile-page.ts';
import { CODE_PAGE, type CodePageDeps, createCodePage } from './second-factor/code-page.ts';
import { createEnrolmentPage, ENROLMENT_PAGE } from './second-factor/enrolment-page.ts';
import { createFactorPages, FACTOR_PAGE, type FactorPagesDeps } from './second-factor/factor-pages.ts';
import type { PendingSignIns } from './second-factor/pending-sign-in.ts';
import type { SecondFactor } from './second-factor/second-factor.ts';
import { createSetupPage, type SetupPageDeps } from './setup-page.ts';
import { createSignIn, type SignInDeps } from './sign-in.ts';
import type { SignInHints } from './sign-in-hint.ts';
import type { UserStore } from './user-store.ts';

type Own = 'users' | 'lifecycle' | 'secondFactor' | 'pending' | 'passkeys' | 'hints' | 'loginView';

export interface AccountsRouterDeps
  extends Omit<SignInDeps, Own | 'completeSignIn'>,
    Omit<CompleteSignInDeps, Own>,
    Omit<CodePageDeps, Own | 'completeSignIn' | 'hasPasskeys'>,
    Omit<FactorPagesDeps, Own>,
    Omit<ProfilePagesDeps, Own>,
    Omit<PasswordChangeDeps, Own | 'confirmIdentity' | 'devices'>,
    Omit<SetupPageDeps, Own>,
    Omit<LoginPageDeps, Own | 'signIn' | 'answerCode'> {
  readonly clock: Clock;
  readonly users: UserStore;
  readonly lifecycle: Pick<SessionLifecycle, 'signIn' | 'endAccountWith' | 'devicesOf'>;
  readonly secondFactor: SecondFactor;
  readonly pending: PendingSignIns;
  readonly passkeys: Passkeys;
  readonly hints: SignInHints;
  readonly loginView: LoginView;
  readonly keptForms: KeptForms;
  readonly confirmView: ConfirmView;
}

const withFactor = (post: string) => ({ get: true, post, factor: true }) as const;

export const ACCOUNT_ROUTES: readonly RoutePolicy[] = [
  { path: '/setup', class: 'form' },
  { path: '/auth/login', below: true, class: 'form' },
  ...LINK_ROUTES,
  ...INVITATION_ROUTES,
  ...NOTICE_ROUTES,
  { path: CONFIRM, viewersToo: true },
  { path: `${CONFIRM}/passkey`, viewersToo: true },
  { path: `${CONFIRM}/passkey/options` },
  { path: PROFILE, viewersToo: true },
  { path: EMAIL_PAGE, viewersToo: true, reauthenticate: withFactor('Change your email address') },
  { path: PASSWORD_PAGE, viewersToo: true },
  { path: PASSKEYS_PAGE, viewersToo: true, reauthenticate: withFactor('Add a passkey') },
  { path: `${PASSKEYS_PAGE}/options` },
  { path: `${PASSKEYS_PAGE}/:id/name`, viewersToo: true, reauthenticate: withFactor('Rename a passkey') },
  { path: `${PASSKEYS_PAGE}/:id/removal`, viewersToo: true, reauthenticate: withFactor('Remove a passkey') },
  { path: FACTOR_PAGE, viewersToo: true, reauthenticate: withFactor('Set up an authenticator app') },
  {
    path: `${FACTOR_PAGE}/recovery-codes`,
    viewersToo: true,
    reauthenticate: { post: 'Make new recovery codes', factor: true },
  },
  {
    path: `${FACTOR_PAGE}/removal`,
    viewersToo: true,
    reauthenticate: withFactor('Remove your authenticator app'),
  },
];

/** `/setup`, `/auth/login` with its second step, `/auth/confirm`, and what lies below `/profile`. */
export function createAccountsRouter(deps: AccountsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const hasPasskeys = deps.passkeys.relyingParty !== undefined;
  const confirmIdentity = createConfirmIdentity(deps);
  const completeSignIn = createCompleteSignIn(deps);
  const tryPasskey = createTryPasskey(deps);
  const signIn = createSignIn({ ...deps, completeSignIn });
  methods(router, '/setup', createSetupPage(deps));

  const code = createCodePage({ ...deps, completeSignIn, hasPasskeys });
  const login = createLoginPage({ ...deps, signIn, answerCode: code.answer });
  const passkeySignIn = createPasskeySignIn({ ...deps, tryPasskey, completeSignIn });
  const enrolment = createEnrolmentPage({ ...deps, completeSignIn });
  methods(router, '/auth/login', { get: login.get, post: login.post });
  methods(router, '/auth/login/other', { post: login.forget });
  methods(router, CODE_PAGE, { get: code.get, post: code.post });
  methods(router, PASSKEY_SIGN_IN, { get: passkeySignIn.get, post: passkeySignIn.post });
  methods(router, `${PASSKEY_SIGN_IN}/options`, { get: passkeySignIn.options });
  methods(router, ENROLMENT_PAGE, { get: enrolment.get, post: enrolment.post });
  methods(router, `${ENROLMENT_PAGE}/passkey`, { get: enrolment.get, post: enrolment.postPasskey });
  methods(router, `${ENROLMENT_PAGE}/passkey/options`, { get: enrolment.passkeyOptions });

  const confirmByPasskey = createConfirmByPasskey({ ...deps, tryPasskey });
  const confirm = createConfirmPage({ ...deps, confirmIdentity, confirmByPasskey });
  methods(router, CONFIRM, { get: confirm.get, post: confirm.post });
  methods(router, `${CONFIRM}/passkey`, { get: confirm.get, post: confirm.postPasskey });
  methods(router, `${CONFIRM}/passkey/options`, { get: confirm.passkeyOptions });

  const changePassword = createPasswordChange({ ...deps, confirmIdentity });
  methods(router, PASSWORD_PAGE, createPasswordPage({ ...deps, changePassword }));
  const profile = createProfilePages(deps);
  methods(router, PROFILE, { get: profile.show });
  methods(router, EMAIL_PAGE, { get: profile.showEmail, post: profile.changeEmail });
  const passkeys = createPasskeyPages(deps);
  methods(router, PASSKEYS_PAGE, { get: passkeys.show, post: passkeys.add });
  methods(router, `${PASSKEYS_PAGE}/options`, { get: passkeys.options });
  methods(router, `${PASSKEYS_PAGE}/:id/name`, { get: passkeys.askName, post: passkeys.rename });
  methods(router, `${PASSKEYS_PAGE}/:id/removal`, { get: passkeys.askRemoval, post: passkeys.remove });

  const factor = createFactorPages(deps);
  methods(router, FACTOR_PAGE, { get: factor.show, post: factor.enrol });
  methods(router, `${FACTOR_PAGE}/recovery-codes`, { post: factor.renewCodes });
  methods(router, `${FACTOR_PAGE}/removal`, { get: factor.askRemoval, post: factor.remove });
  return router;
}

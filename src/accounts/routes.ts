import { Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import { CONFIRM } from '../sessions/reauthentication.ts';
import { type CompleteSignInDeps, createCompleteSignIn } from './complete-sign-in.ts';
import { createConfirmIdentity } from './confirm-identity.ts';
import { createConfirmPage } from './confirm-page.ts';
import { INVITATION_ROUTES } from './invitations/invitation-page.ts';
import { createLoginPage, type LoginPageDeps } from './login-page.ts';
import { NOTICE_ROUTES } from './notices/notice-pages.ts';
import { LINK_ROUTES } from './one-time-links/routes.ts';
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
import type { UserStore } from './user-store.ts';

type Own = 'users' | 'lifecycle' | 'secondFactor' | 'pending';

export interface AccountsRouterDeps
  extends Omit<SignInDeps, Own | 'completeSignIn'>,
    Omit<CompleteSignInDeps, Own>,
    Omit<CodePageDeps, Own | 'completeSignIn'>,
    Omit<FactorPagesDeps, Own>,
    Omit<ProfilePagesDeps, Own>,
    Omit<PasswordChangeDeps, Own | 'confirmIdentity' | 'devices'>,
    Omit<SetupPageDeps, Own>,
    Omit<LoginPageDeps, Own | 'signIn'> {
  readonly clock: Clock;
  readonly users: UserStore;
  readonly lifecycle: Pick<SessionLifecycle, 'signIn' | 'endAccountWith' | 'devicesOf'>;
  readonly secondFactor: SecondFactor;
  readonly pending: PendingSignIns;
}

export const ACCOUNT_ROUTES: readonly RoutePolicy[] = [
  { path: '/setup', class: 'form' },
  { path: '/auth/login', below: true, class: 'form' },
  ...LINK_ROUTES,
  ...INVITATION_ROUTES,
  ...NOTICE_ROUTES,
  { path: CONFIRM, viewersToo: true },
  { path: PROFILE, viewersToo: true },
  { path: EMAIL_PAGE, viewersToo: true, reauthenticate: ['get', 'post'] },
  { path: PASSWORD_PAGE, viewersToo: true },
  { path: FACTOR_PAGE, viewersToo: true, reauthenticate: ['get', 'post'] },
  { path: `${FACTOR_PAGE}/recovery-codes`, viewersToo: true, reauthenticate: ['post'] },
  { path: `${FACTOR_PAGE}/removal`, viewersToo: true, reauthenticate: ['get', 'post'] },
];

/** `/setup`, `/auth/login` with its second step, `/auth/confirm`, and what lies below `/profile`. */
export function createAccountsRouter(deps: AccountsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const confirmIdentity = createConfirmIdentity(deps);
  const completeSignIn = createCompleteSignIn(deps);
  const factor = createFactorPages(deps);
  methods(router, '/setup', createSetupPage(deps));
  methods(
    router,
    '/auth/login',
    createLoginPage({ ...deps, signIn: createSignIn({ ...deps, completeSignIn }) }),
  );
  methods(router, CODE_PAGE, createCodePage({ ...deps, completeSignIn }));
  methods(router, ENROLMENT_PAGE, createEnrolmentPage({ ...deps, completeSignIn }));
  methods(router, CONFIRM, createConfirmPage(confirmIdentity, deps.secondFactor));
  methods(
    router,
    PASSWORD_PAGE,
    createPasswordPage(createPasswordChange({ ...deps, confirmIdentity }), deps.secondFactor),
  );
  const profile = createProfilePages(deps);
  methods(router, PROFILE, { get: profile.show });
  methods(router, EMAIL_PAGE, { get: profile.showEmail, post: profile.changeEmail });
  methods(router, FACTOR_PAGE, { get: factor.show, post: factor.enrol });
  methods(router, `${FACTOR_PAGE}/recovery-codes`, { post: factor.renewCodes });
  methods(router, `${FACTOR_PAGE}/removal`, { get: factor.askRemoval, post: factor.remove });
  return router;
}

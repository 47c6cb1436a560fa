import { Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import { CONFIRM } from '../sessions/reauthentication.ts';
import { createConfirmIdentity } from './confirm-identity.ts';
import { createConfirmPage } from './confirm-page.ts';
import { createLoginPage, type LoginPageDeps } from './login-page.ts';
import { createPasswordChange, type PasswordChangeDeps } from './password-change.ts';
import { createPasswordPage, PASSWORD_PAGE } from './password-page.ts';
import { createSetupPage, type SetupPageDeps } from './setup-page.ts';
import { createSignIn, type SignInDeps } from './sign-in.ts';
import type { UserStore } from './user-store.ts';

export interface AccountsRouterDeps
  extends SignInDeps,
    Omit<PasswordChangeDeps, 'confirmIdentity' | 'users' | 'lifecycle'>,
    Omit<SetupPageDeps, 'users'>,
    Omit<LoginPageDeps, 'users' | 'signIn'> {
  readonly clock: Clock;
  readonly users: UserStore;
  readonly lifecycle: Pick<SessionLifecycle, 'signIn' | 'endAccount'>;
}

export const ACCOUNT_ROUTES: readonly RoutePolicy[] = [
  { path: '/setup', class: 'form' },
  { path: '/auth/login', below: true, class: 'form' },
  { path: CONFIRM },
  { path: PASSWORD_PAGE },
];

/** `/setup`, `/auth/login`, `/auth/confirm` and `/profile/password`. */
export function createAccountsRouter(deps: AccountsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  const confirmIdentity = createConfirmIdentity(deps);
  methods(router, '/setup', createSetupPage(deps));
  methods(router, '/auth/login', createLoginPage({ ...deps, signIn: createSignIn(deps) }));
  methods(router, CONFIRM, createConfirmPage(confirmIdentity));
  methods(router, PASSWORD_PAGE, createPasswordPage(createPasswordChange({ ...deps, confirmIdentity })));
  return router;
}

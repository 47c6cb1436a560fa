import { Router } from 'express';
import type { Clock } from '../core/clock.ts';
import { methods } from '../http/methods.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import { CONFIRM } from '../sessions/reauthentication.ts';
import { createConfirmIdentity } from './confirm-identity.ts';
import { createConfirmPage } from './confirm-page.ts';
import { createLoginPage, type LoginPageDeps } from './login-page.ts';
import { createSetupPage, type SetupPageDeps } from './setup-page.ts';
import { createSignIn, type SignInDeps } from './sign-in.ts';
import type { UserStore } from './user-store.ts';

export interface AccountsRouterDeps
  extends SignInDeps,
    Omit<SetupPageDeps, 'users'>,
    Omit<LoginPageDeps, 'users' | 'signIn'> {
  readonly clock: Clock;
  readonly users: UserStore;
}

export const ACCOUNT_ROUTES: readonly RoutePolicy[] = [
  { path: '/setup', class: 'form' },
  { path: '/auth/login', below: true, class: 'form' },
  { path: CONFIRM },
];

/** `/setup`, `/auth/login` and `/auth/confirm`. */
export function createAccountsRouter(deps: AccountsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/setup', createSetupPage(deps));
  methods(router, '/auth/login', createLoginPage({ ...deps, signIn: createSignIn(deps) }));
  methods(router, CONFIRM, createConfirmPage(createConfirmIdentity(deps)));
  return router;
}

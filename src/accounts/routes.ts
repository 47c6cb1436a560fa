import { Router } from 'express';
import { methods } from '../http/methods.ts';
import { createLoginPage, type LoginPageDeps } from './login-page.ts';
import { createSetupPage, type SetupPageDeps } from './setup-page.ts';
import { createSignIn, type SignInDeps } from './sign-in.ts';
import type { UserStore } from './user-store.ts';

export interface AccountsRouterDeps
  extends SignInDeps,
    Omit<SetupPageDeps, 'users'>,
    Omit<LoginPageDeps, 'users' | 'signIn'> {
  readonly users: UserStore;
}

/** `/setup` and `/auth/login`. */
export function createAccountsRouter(deps: AccountsRouterDeps): Router {
  const router = Router({ caseSensitive: true });
  methods(router, '/setup', createSetupPage(deps));
  methods(router, '/auth/login', createLoginPage({ ...deps, signIn: createSignIn(deps) }));
  return router;
}

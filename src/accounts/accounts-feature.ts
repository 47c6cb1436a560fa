import type { RequestHandler } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { SecondFactorRule } from '../core/second-factor-rule.ts';
import type { RateLimit } from '../http/compound-limiter.ts';
import type { Feature } from '../http/feature.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import { createRoleGate } from '../sessions/role-gate.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';
import type { Database } from '../storage/database.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import type { RedisClient } from '../storage/redis.ts';
import { createSingleUses } from '../storage/single-use-store.ts';
import { createAuthenticator } from './authenticator.ts';
import { createCommonPasswords } from './common-passwords.ts';
import { createDeviceCookies } from './device-cookies.ts';
import { createFailedSignIns } from './failed-sign-ins.ts';
import { createGuessGate } from './guess-gate.ts';
import { createLoginLimiter } from './login-limiter.ts';
import type { LoginPageDeps } from './login-page.ts';
import { createNeedsSetup, type NeedsSetup } from './needs-setup.ts';
import { createPasswordHasher, type PasswordHasher } from './password-hasher.ts';
import { createPasswordRules } from './password-rules.ts';
import type { ProfilePagesDeps } from './profile-page.ts';
import { createAccountsRouter } from './routes.ts';
import { createEnrolments } from './second-factor/enrolment.ts';
import { createPendingSignIns } from './second-factor/pending-sign-in.ts';
import { createSecondFactor, type SecondFactor } from './second-factor/second-factor.ts';
import { createSetupGate, createSetupToken } from './setup-page.ts';
import { createUserAdmin, type UserAdmin, type UserAdminDeps } from './user-admin.ts';
import type { UserStore } from './user-store.ts';

export interface AccountsFeatureDeps {
  readonly database: Database;
  readonly redis: RedisClient | undefined;
  readonly users: UserStore;
  readonly registry: Pick<SessionRegistry, 'setRole'>;
  readonly lifecycle: SessionLifecycle;
  readonly liveSession: LoginPageDeps['liveSession'];
  readonly revokeApiKeys: UserAdminDeps['revokeApiKeys'];
  readonly signInsOf: ProfilePagesDeps['signInsOf'];
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly audit: AuditLog;
  /** PEPPER and SESSION_SECRET, newest first. */
  readonly peppers: readonly string[];
  readonly secrets: readonly string[];
  readonly https: boolean;
  /** LOGIN_RATE_LIMIT. */
  readonly rateLimits: readonly RateLimit[];
  /** SECOND_FACTOR. */
  readonly secondFactorRule: SecondFactorRule;
  /** BASE_URL. */
  readonly publicOrigin: string;
}

export interface AccountsFeature extends Feature {
  readonly users: UserStore;
  readonly userAdmin: UserAdmin;
  readonly secondFactor: SecondFactor;
  readonly hasher: PasswordHasher;
  /** In front of the session: refuses guesses from where one was refused a moment ago. */
  readonly guessGate: RequestHandler;
  /** What `/setup` asks for from another machine. */
  readonly setupToken: string;
  /** In front of `/setup`, which is not there once there is an account. */
  readonly setupGate: RequestHandler;
  readonly roleGate: RequestHandler;
  readonly needsSetup: NeedsSetup;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createAccountsFeature(deps: AccountsFeatureDeps): AccountsFeature {
  const { database, redis, users, registry, clock, audit, peppers, secrets, https, rateLimits } = deps;
  const { acting } = database;
  const setupToken = createSetupToken(secrets);
  const hasher = createPasswordHasher({ peppers });
  const rules = createPasswordRules({ commonPasswords: createCommonPasswords() });
  const limiter = createLoginLimiter({ limits: rateLimits, redis });
  const devices = createDeviceCookies({
    secrets,
    secure: https,
    clock,
    passwordSetAt: users.passwordSetAt,
  });
  const singleUses = createSingleUses(deps);
  const failures = createFailedSignIns({ audit, users, clock });
  const secondFactor = createSecondFactor({ ...deps, rule: deps.secondFactorRule });
  const pending = createPendingSignIns({ ...deps, singleUses });
  const enrolments = createEnrolments(deps);
  const authenticator = createAuthenticator({ users, hasher });

  return {
    users,
    hasher,
    secondFactor,
    userAdmin: createUserAdmin({
      ...deps,
      rules,
      hasher,
      tellSessions: registry.setRole,
      removeFactor: secondFactor.remove,
    }),
    guessGate: createGuessGate({ limiter, devices }),
    setupGate: createSetupGate(users),
    setupToken,
    roleGate: createRoleGate(async (userId) => {
      const user = await users.findById(userId);
      return user === undefined || user.disabled ? undefined : user.role;
    }, acting),
    needsSetup: createNeedsSetup(users),
    router: createAccountsRouter({
      ...deps,
      authenticator,
      limiter,
      devices,
      rules,
      hasher,
      failures,
      secondFactor,
      pending,
      enrolments,
      acting,
      setupToken,
    }),
    jobs: [failures.flushing],
    cleanup: singleUses.forgetOld,
  };
}

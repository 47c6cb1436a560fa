import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import type { AuditListener, AuditLog } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SendMail } from '../core/mail.ts';
import type { SecondFactorRule } from '../core/second-factor-rule.ts';
import type { LivePolicy } from '../core/session-policy.ts';
import type { RateLimit } from '../http/compound-limiter.ts';
import type { Feature } from '../http/feature.ts';
import type { SessionLifecycle } from '../sessions/lifecycle.ts';
import { createReauthenticationGate } from '../sessions/reauthentication.ts';
import { createRoleGate } from '../sessions/role-gate.ts';
import type { SessionRegistry } from '../sessions/session-storage.ts';
import type { Database } from '../storage/database.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import type { RedisClient } from '../storage/redis.ts';
import { createSingleUses } from '../storage/single-use-store.ts';
import { createAuthenticator } from './authenticator.ts';
import { createBreachCheck } from './breach-check.ts';
import { createCommonPasswords } from './common-passwords.ts';
import { createConfirmView } from './confirm-view.ts';
import { createDeviceCookies } from './device-cookies.ts';
import { createFailedSignIns } from './failed-sign-ins.ts';
import { createGuessGate } from './guess-gate.ts';
import { createInvitationRouter } from './invitations/invitation-page.ts';
import { createInvitationStore } from './invitations/invitation-store.ts';
import { createInvitations, type Invitations } from './invitations/invitations.ts';
import { createKeptForms } from './kept-forms.ts';
import { createLoginLimiter } from './login-limiter.ts';
import type { LoginPageDeps } from './login-page.ts';
import { createLoginView, sessionEndText } from './login-view.ts';
import { createNeedsSetup, type NeedsSetup } from './needs-setup.ts';
import { createNoticeListener } from './notices/notice-listener.ts';
import { createNoticeRouter } from './notices/notice-pages.ts';
import { type AccountNotice, createNoticeStore } from './notices/notice-store.ts';
import { createLinkStore } from './one-time-links/link-store.ts';
import { createOneTimeLinks } from './one-time-links/one-time-links.ts';
import { createPasswordReset } from './one-time-links/password-reset.ts';
import { createResetRequests, type ResetRequests } from './one-time-links/reset-requests.ts';
import { createLinkRouter } from './one-time-links/routes.ts';
import { createChallenges } from './passkeys/challenges.ts';
import { createPasskeyStore } from './passkeys/passkey-store.ts';
import { createPasskeys } from './passkeys/passkeys.ts';
import { relyingPartyOf } from './passkeys/relying-party.ts';
import { createPasswordHasher, type HashCost, type PasswordHasher } from './password-hasher.ts';
import { createPasswordRules } from './password-rules.ts';
import type { ProfilePagesDeps } from './profile-page.ts';
import { createAccountsRouter } from './routes.ts';
import { createEnrolments } from './second-factor/enrolment.ts';
import { createFactorStore } from './second-factor/factor-store.ts';
import { createPendingSignIns } from './second-factor/pending-sign-in.ts';
import { createSecondFactor, type SecondFactor } from './second-factor/second-factor.ts';
import { createSetupGate, createSetupToken } from './setup-page.ts';
import { createSignInHints } from './sign-in-hint.ts';
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
  readonly policy: LivePolicy;
  readonly audit: AuditLog;
  readonly hashCost: HashCost | undefined;
  /** PEPPER and SESSION_SECRET, newest first. */
  readonly peppers: readonly string[];
  readonly secrets: readonly string[];
  readonly https: boolean;
  /** LOGIN_RATE_LIMIT. */
  readonly rateLimits: readonly RateLimit[];
  /** BREACH_URL, with BREACH_CHECK=on. */
  readonly breachUrl: string | undefined;
  /** SECOND_FACTOR. */
  readonly secondFactorRule: SecondFactorRule;
  /** RESET_RATE_LIMIT. */
  readonly resetLimits: readonly RateLimit[];
  readonly sendMail: SendMail;
  /** Whether mail can be sent. */
  readonly mailIsOn: boolean;
  readonly log: Log;
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
  /** The token that `/setup` asks for from another machine. */
  readonly setupToken: string;
  /** In front of `/setup`, which is not there once there is an account. */
  readonly setupGate: RequestHandler;
  readonly roleGate: RequestHandler;
  readonly reauthenticationGate: RequestHandler;
  readonly needsSetup: NeedsSetup;
  readonly resetRequests: ResetRequests;
  readonly invitations: Invitations;
  /** For the audit log. */
  readonly noticeListener: AuditListener;
  /** Notices for the page of a session: none about that very device. */
  readonly noticesOf: (userId: string, deviceId: string) => Promise<readonly AccountNotice[]>;
  /** A link that ends the session of a device. */
  readonly deviceLink: (userId: string, deviceId: string) => Promise<string>;
  /** Behind the pages: shows a sign-in form again whose token is not the session's any more. */
  readonly reopenLoginForm: ErrorRequestHandler;
  /** Behind the pages: asks for the password where a form came that needs it, and keeps the form meanwhile. */
  readonly askForForm: ErrorRequestHandler;
  /** Behind the check of a form's token: puts a kept form in the place of the one that brings it. */
  readonly carryOutKeptForm: RequestHandler;
  /** Passkeys that were made for another host than BASE_URL names now. */
  readonly countForeignPasskeys: () => Promise<number>;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createAccountsFeature(deps: AccountsFeatureDeps): AccountsFeature {
  const { database, redis, users, registry, clock, audit, peppers, secrets, https, rateLimits } = deps;
  const { acting } = database;
  const setupToken = createSetupToken(secrets);
  const hasher = createPasswordHasher({ peppers, cost: deps.hashCost });
  const rules = createPasswordRules({
    commonPasswords: createCommonPasswords(),
    isBreached:
      deps.breachUrl === undefined ? undefined : createBreachCheck({ url: deps.breachUrl, log: deps.log }),
  });
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
  const hints = createSignInHints(deps);
  const relyingParty = relyingPartyOf(deps.publicOrigin);
  const passkeyStore = createPasskeyStore(database);
  const factors = createFactorStore({ database, now: clock.now });
  const passkeys = createPasskeys({
    relyingParty,
    store: passkeyStore,
    factors,
    challenges: createChallenges({ ...deps, singleUses }),
    clock,
    audit,
  });
  const loginView = createLoginView({
    hints,
    hasPasskeys: relyingParty !== undefined,
    describeEnd: () => sessionEndText(deps.policy.current()),
  });
  const keptForms = createKeptForms({ ...deps, singleUses });
  const confirmView = createConfirmView({ keptForms, secondFactor, passkeys });
  const authenticator = createAuthenticator({ users, hasher });
  const linkStore = createLinkStore(database);
  const links = createOneTimeLinks({ ...deps, store: linkStore });
  const resetRequests = createResetRequests({ ...deps, links, secondFactor });
  const passwordReset = createPasswordReset({ ...deps, links, factors, rules, hasher });
  const invitations = createInvitations({ ...deps, store: createInvitationStore(database), rules, hasher });
  const noticeStore = createNoticeStore(database);

  return {
    resetRequests,
    invitations,
    noticeListener: createNoticeListener({ ...deps, links, noticeStore }),
    noticesOf: async (userId, deviceId) =>
      (await noticeStore.listOf(userId, clock.now())).filter(({ device }) => device !== deviceId),
    deviceLink: async (userId, deviceId) => (await links.create('device_end', userId, deviceId)).url,
    users,
    hasher,
    secondFactor,
    userAdmin: createUserAdmin({
      ...deps,
      rules,
      hasher,
      tellSessions: registry.setRole,
      resetFactor: secondFactor.reset,
    }),
    guessGate: createGuessGate({ limiter, devices }),
    setupGate: createSetupGate(users),
    setupToken,
    roleGate: createRoleGate(async (userId) => {
      const user = await users.findById(userId);
      return user === undefined || user.disabled ? undefined : user.role;
    }, acting),
    reauthenticationGate: createReauthenticationGate({ clock, hasFactor: secondFactor.has }),
    needsSetup: createNeedsSetup(users),
    reopenLoginForm: loginView.reopenForm,
    askForForm: confirmView.askForForm,
    carryOutKeptForm: keptForms.carryOut,
    countForeignPasskeys: () => passkeyStore.countForeign(relyingParty?.id),
    router: Router({ caseSensitive: true }).use(
      createAccountsRouter({
        ...deps,
        links,
        linkStore,
        authenticator,
        limiter,
        devices,
        rules,
        hasher,
        failures,
        secondFactor,
        pending,
        enrolments,
        passkeys,
        hints,
        loginView,
        keptForms,
        confirmView,
        acting,
        setupToken,
      }),
      createLinkRouter({ ...deps, links, passkeys, resetRequests, passwordReset }),
      createInvitationRouter(invitations),
      createNoticeRouter({ ...deps, passkeys, noticeStore }),
    ),
    jobs: [failures.flushing, resetRequests.finishing],
    async cleanup() {
      await singleUses.forgetOld();
      await linkStore.removeExpired(clock.now());
      await noticeStore.removeExpired(clock.now());
      await invitations.cleanup();
    },
  };
}

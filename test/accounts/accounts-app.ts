import { join } from 'node:path';
import express, { type Express } from 'express';
import session from 'express-session';
import { vi } from 'vitest';
import { createAuthenticator } from '../../src/accounts/authenticator.ts';
import { createCommonPasswords } from '../../src/accounts/common-passwords.ts';
import { createConfirmView } from '../../src/accounts/confirm-view.ts';
import { createDeviceCookies } from '../../src/accounts/device-cookies.ts';
import { createFailedSignIns } from '../../src/accounts/failed-sign-ins.ts';
import { createKeptForms } from '../../src/accounts/kept-forms.ts';
import { createLoginLimiter } from '../../src/accounts/login-limiter.ts';
import { createLoginView } from '../../src/accounts/login-view.ts';
import { createChallenges } from '../../src/accounts/passkeys/challenges.ts';
import { createPasskeyStore } from '../../src/accounts/passkeys/passkey-store.ts';
import { createPasskeys } from '../../src/accounts/passkeys/passkeys.ts';
import { createPasswordHasher } from '../../src/accounts/password-hasher.ts';
import { createPasswordRules } from '../../src/accounts/password-rules.ts';
import { createAccountsRouter } from '../../src/accounts/routes.ts';
import { createEnrolments } from '../../src/accounts/second-factor/enrolment.ts';
import { createFactorStore } from '../../src/accounts/second-factor/factor-store.ts';
import { createPendingSignIns } from '../../src/accounts/second-factor/pending-sign-in.ts';
import { createSecondFactor } from '../../src/accounts/second-factor/second-factor.ts';
import { createSignInHints } from '../../src/accounts/sign-in-hint.ts';
import { createUserStore, type User } from '../../src/accounts/user-store.ts';
import { createErrorHandler } from '../../src/http/error-handler.ts';
import { findCurrentSession } from '../../src/sessions/current-session.ts';
import type { SessionLifecycle } from '../../src/sessions/lifecycle.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createSingleUses } from '../../src/storage/single-use-store.ts';
import { readRoutePolicy } from '../support/route-policies.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { createRecordingAudit } from './recording-audit.ts';

export const PASSWORD = 'tractor pelican moss';
const SECRET = 'a secret of more than thirty-two characters';

/**
 * The accounts' routes on real parts, with a session in memory instead of Curfew's own: what the middleware around
 * them does is tested elsewhere, on the whole application.
 */
export async function createAccountsApp() {
  const database = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
  const clock = { now: () => Date.UTC(2026, 10, 20, 4, 0) };
  const users = createUserStore({ database, clock });
  const hasher = createPasswordHasher({ peppers: ['a pepper of more than thirty-two characters'] });
  const audit = createRecordingAudit();
  const signIn = vi.fn<SessionLifecycle['signIn']>(async (req, _res, user, confirmCredentials) => {
    if (!(await confirmCredentials())) return 'refused';
    const loginTime = '2026-11-20T09:30:00.000+05:30';
    Object.assign(req.session, { ...user, loginTime, epoch: 0, deviceId: 'device-1' });
    return 'signed_in';
  });

  const keyRing = createKeyRing({ keys: [TEST_SECRETS.ENCRYPTION_KEY], clock });
  const shared = { database, keyRing, users, redis: undefined, clock, audit };

  const singleUses = createSingleUses(shared);
  const hints = createSignInHints({ ...shared, https: false });
  const passkeys = createPasskeys({
    relyingParty: undefined,
    store: createPasskeyStore(database),
    factors: createFactorStore({ database, now: clock.now }),
    challenges: createChallenges({ ...shared, singleUses }),
    clock,
    audit,
  });
  const loginView = createLoginView({ hints, hasPasskeys: false, describeEnd: () => 'You stay signed in.' });

  const secondFactor = createSecondFactor({ ...shared, rule: 'off' });
  const keptForms = createKeptForms({ ...shared, singleUses });

  const app = createExpress();
  app.use(
    createAccountsRouter({
      setupToken: 'not-asked-for-here',
      passkeys,
      hints,
      loginView,
      publicOrigin: 'http://127.0.0.1:5000',
      clock,
      users,
      hasher,
      rules: createPasswordRules({ commonPasswords: createCommonPasswords() }),
      authenticator: createAuthenticator({ users, hasher }),
      limiter: createLoginLimiter({
        limits: [
          { points: 5, durationSeconds: 60 },
          { points: 25, durationSeconds: 3600 },
        ],
        slowLane: { turnSeconds: 1 },
      }),
      devices: createDeviceCookies({
        secrets: [SECRET],
        secure: false,
        clock,
        passwordSetAt: users.passwordSetAt,
      }),
      lifecycle: {
        signIn,
        endAccountWith: () => Promise.reject(new Error('Not in these tests')),
        devicesOf: async () => [],
      },
      links: { create: () => Promise.reject(new Error('Not in these tests')) },
      redis: undefined,
      linkStore: { removeAllOf: () => Promise.reject(new Error('Not in these tests')) },
      sendMail: async () => undefined,
      mailIsOn: false,
      revokeApiKeys: async () => async () => 0,
      signInsOf: async () => [],
      acting: database.acting,
      secondFactor,
      keptForms,
      confirmView: createConfirmView({ keptForms, secondFactor, passkeys }),
      pending: createPendingSignIns({ ...shared, singleUses, https: false }),
      enrolments: createEnrolments({ ...shared, publicOrigin: 'http://127.0.0.1:5000' }),
      failures: createFailedSignIns({ audit, users, clock }),
      audit,
      liveSession: findCurrentSession,
    }),
  );
  app.use(createErrorHandler(silentLog, () => undefined));

  async function createUser(username = 'asha'): Promise<User> {
    const passwordHash = await hasher.hash(PASSWORD);
    const made = await users.createUser({ username, email: 'a@example.com', passwordHash, role: 'user' });
    if (made.kind !== 'created') throw new Error(made.kind);
    return made.user;
  }
  return { app, users, hasher, audit, signIn, createUser, close: () => database.close() };
}

export type AccountsApp = Awaited<ReturnType<typeof createAccountsApp>>;

function createExpress(): Express {
  const app = express();
  app.use(readRoutePolicy);
  app.set('view engine', 'ejs').set('views', join(import.meta.dirname, '../../views'));
  // Tests stand for many clients by this header.
  app.set('trust proxy', 'loopback');
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }));
  app.use(express.urlencoded({ extended: false }), express.json());
  return app;
}

const silentLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

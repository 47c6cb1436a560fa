import type { AuditEvent, AuditLog, AuditOrigin } from '../../core/audit-event.ts';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../core/duration.ts';
import type { SecondFactorRule } from '../../core/second-factor-rule.ts';
import { createCompoundLimiter } from '../../http/compound-limiter.ts';
import type { Database } from '../../storage/database.ts';
import type { Cipher, KeyRing } from '../../storage/key-ring.ts';
import type { RedisClient } from '../../storage/redis.ts';
import type { User } from '../user-store.ts';
import { createFactorStore, type FactorStore } from './factor-store.ts';
import {
  FEW_RECOVERY_CODES,
  generateRecoveryCodes,
  isRecoveryCode,
  normaliseCode,
  recoveryCodeDigest,
} from './recovery-codes.ts';
import { matchTotpStep } from './totp.ts';

/** So long after it was made the first account may still sign in without: a new server is looked at before a telephone is fetched. */
export const FIRST_ACCOUNT_GRACE_MS = 7 * DAY_MS;

/**
 * Codes of an app that strangers may try at an account whose password they know: with three codes good at a time, fifty a
 * day are one chance in 6,600. Browsers on which the user has signed in are limited apart, and recovery codes have bits enough.
 */
const STRANGERS_CODES = [
  { points: 10, durationSeconds: HOUR_MS / SECOND_MS },
  { points: 50, durationSeconds: DAY_MS / SECOND_MS },
];

export type CodeCheck =
  | { readonly kind: 'accepted'; readonly method: 'totp' | 'recovery_code' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  /** The user has no second factor (any more). */
  | { readonly kind: 'none' };

export interface FactorState {
  /** When the app was enrolled, in ms since the epoch; undefined without one. */
  readonly enrolledAt: number | undefined;
  readonly passkeys: number;
  readonly recoveryCodesLeft: number;
  readonly fewLeft: boolean;
}

/**
 * The factor beside the password: a code of an authenticator app (TOTP, RFC 6238), or a recovery code. Passkeys are factors too,
 * and are checked by `Passkeys`.
 */
export interface SecondFactor {
  /** An app or a passkey. */
  has(userId: string): Promise<boolean>;
  listWithFactor(userIds: readonly string[]): Promise<ReadonlySet<string>>;
  stateOf(userId: string): Promise<FactorState>;
  /** The step behind the right password. */
  nextStep(user: User): Promise<'none' | 'code' | 'enrol'>;
  /** Whether the user must have a factor by SECOND_FACTOR; the first account has seven days. */
  isRequired(user: Pick<User, 'role'>): boolean;
  /** The reminder that a user needs: a factor to set up, or recovery codes that run out. */
  reminderFor(userId: string, role: User['role']): Promise<'set_up' | 'few_codes' | undefined>;
  /** Uses the code up where it is good: over all nodes, and after a restart, it counts once. */
  check(
    userId: string,
    code: string,
    context: {
      /** Whether the user signed in on the device since then (ms since the epoch). */
      readonly isKnownDevice: (since: number) => Promise<boolean>;
      /** When the code came, in ms since the epoch: it may have waited for its turn since. */
      readonly at: number;
      readonly origin: AuditOrigin;
    },
  ): Promise<CodeCheck>;
  /** Uses a recovery code up, where it is good. Without a user it takes as long, so that its time does not tell who has an account. */
  useRecoveryCode(userId: string | undefined, code: string, origin: AuditOrigin): Promise<boolean>;
  /** Stores a confirmed app; returns the recovery codes, which are nowhere else. Undefined where it could not be enrolled. */
  enrol(
    person: { readonly userId: string; readonly secret: string; readonly passwordHash?: string },
    code: string,
    origin: AuditOrigin,
  ): Promise<
    | { readonly kind: 'enrolled'; readonly recoveryCodes: readonly string[] }
    | { readonly kind: 'wrong' }
    | { readonly kind: 'refused' }
  >;
  /** Undefined without a factor. */
  renewRecoveryCodes(userId: string, origin: AuditOrigin): Promise<readonly string[] | undefined>;
  /** The app, by the user themselves. False where there was none. */
  remove(userId: string, origin: AuditOrigin): Promise<boolean>;
  /** The app, the passkeys and the recovery codes, for a user who has lost them. False where there was nothing. */
  reset(userId: string, origin: AuditOrigin): Promise<boolean>;
}

export interface SecondFactorDeps {
  readonly database: Pick<Database, 'db'>;
  readonly keyRing: KeyRing;
  readonly redis: RedisClient | undefined;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly rule: SecondFactorRule;
}

export function createSecondFactor(deps: SecondFactorDeps): SecondFactor {
  const { database, keyRing, redis, clock, audit } = deps;
  const store = createFactorStore({ database, now: clock.now });
  const cipher: Cipher = keyRing.forPurpose('totp');
  const strangersCodes = createCompoundLimiter({
    name: 'login:code',
    what: 'Sign-in',
    limits: STRANGERS_CODES,
    redis,
  });

  async function checkTotp(userId: string, encrypted: string, code: string, at: number): Promise<boolean> {
    const secret = cipher.decrypt(encrypted);
    if (secret.kind !== 'ok') return false;
    const step = matchTotpStep(secret.text, code, at);
    return step !== undefined && store.acceptStep(userId, step);
  }

  async function checkRecoveryCode(userId: string, code: string, origin: AuditOrigin): Promise<CodeCheck> {
    if (!(await store.useRecoveryCode(userId, recoveryCodeDigest(userId, code)))) return { kind: 'wrong' };
    const left = await store.countRecoveryCodes(userId);
    await audit.record({ type: 'recovery_codes.used', userId, left }, origin);
    return { kind: 'accepted', method: 'recovery_code' };
  }

  return {
    ...createFactorStates(store, deps),

    async check(userId, typed, { isKnownDevice, at, origin }) {
      const code = normaliseCode(typed);
      const factor = await store.find(userId);
      if (factor === undefined && (await store.countPasskeys(userId)) === 0) return { kind: 'none' };
      if (isRecoveryCode(code)) return checkRecoveryCode(userId, code, origin);
      if (factor === undefined) return { kind: 'wrong' };
      // A device from before the factor is known by the password alone, which an attacker who guesses codes has too.
      const taken = (await isKnownDevice(factor.createdAt)) ? undefined : await strangersCodes.take(userId);
      if (taken?.kind === 'limited') return { kind: 'limited', retryAfterSeconds: taken.retryAfterSeconds };
      if (!(await checkTotp(userId, factor.secret, code, at))) return { kind: 'wrong' };
      await taken?.giveBack();
      return { kind: 'accepted', method: 'totp' };
    },

    async useRecoveryCode(userId = '', typed, origin) {
      const code = normaliseCode(typed);
      if (!isRecoveryCode(code)) return false;
      return (await checkRecoveryCode(userId, code, origin)).kind === 'accepted';
    },

    async enrol({ userId, secret, passwordHash }, typed, origin) {
      const step = matchTotpStep(secret, normaliseCode(typed), clock.now());
      if (step === undefined) return { kind: 'wrong' };
      const recoveryCodes = generateRecoveryCodes();
      const isStored = await store.enrol({
        userId,
        secret: cipher.encrypt(secret),
        step,
        recoveryCodeDigests: recoveryCodes.map((code) => recoveryCodeDigest(userId, code)),
        ...(passwordHash === undefined ? {} : { passwordHash }),
      });
      if (!isStored) return { kind: 'refused' };
      await audit.record({ type: 'totp.enrolled', userId }, origin);
      return { kind: 'enrolled', recoveryCodes };
    },

    async renewRecoveryCodes(userId, origin) {
      const recoveryCodes = generateRecoveryCodes();
      const digests = recoveryCodes.map((code) => recoveryCodeDigest(userId, code));
      if (!(await store.replaceRecoveryCodes(userId, digests))) return undefined;
      await audit.record({ type: 'recovery_codes.renewed', userId }, origin);
      return recoveryCodes;
    },

    async remove(userId, origin) {
      const wasThere = await store.remove(userId);
      if (wasThere) await audit.record({ type: 'totp.removed', userId }, origin);
      return wasThere;
    },

    async reset(userId, origin) {
      const { hadApp, passkeys } = await store.removeAll(userId);
      const events: readonly AuditEvent[] = [
        ...(hadApp ? [{ type: 'totp.reset', userId } as const] : []),
        ...(passkeys > 0 ? [{ type: 'passkeys.reset', userId, passkeys } as const] : []),
      ];
      // At once: the user is told of one reset, not of two.
      if (events.length > 0) await audit.recordMany(events, origin);
      return events.length > 0;
    },
  };
}

/** What users have, and what they must have. */
function createFactorStates(
  store: FactorStore,
  { rule, clock }: SecondFactorDeps,
): Pick<SecondFactor, 'isRequired' | 'has' | 'listWithFactor' | 'stateOf' | 'reminderFor' | 'nextStep'> {
  const isRequired = ({ role }: Pick<User, 'role'>): boolean =>
    rule === 'all' || (rule === 'admins' && role === 'admin');

  async function stateOf(userId: string): Promise<FactorState> {
    const [factor, passkeys] = await Promise.all([store.find(userId), store.countPasskeys(userId)]);
    const hasAny = factor !== undefined || passkeys > 0;
    const recoveryCodesLeft = hasAny ? await store.countRecoveryCodes(userId) : 0;
    return {
      enrolledAt: factor?.createdAt,
      passkeys,
      recoveryCodesLeft,
      fewLeft: hasAny && recoveryCodesLeft <= FEW_RECOVERY_CODES,
    };
  }

  const has = async (userId: string): Promise<boolean> => (await store.listWithFactor([userId])).size > 0;

  async function hasGrace({ id, createdAt }: User): Promise<boolean> {
    return clock.now() - createdAt < FIRST_ACCOUNT_GRACE_MS && (await store.isFirstAccount(id));
  }

  return {
    isRequired,

    has,

    listWithFactor: store.listWithFactor,

    stateOf,

    async reminderFor(userId, role) {
      const { enrolledAt, passkeys, fewLeft } = await stateOf(userId);
      if (enrolledAt === undefined && passkeys === 0) return isRequired({ role }) ? 'set_up' : undefined;
      return fewLeft ? 'few_codes' : undefined;
    },

    async nextStep(user) {
      if (await has(user.id)) return 'code';
      return isRequired(user) && !(await hasGrace(user)) ? 'enrol' : 'none';
    },
  };
}

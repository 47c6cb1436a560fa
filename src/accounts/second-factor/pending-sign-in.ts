import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import { createCompoundLimiter } from '../../http/compound-limiter.ts';
import { readCookie } from '../../http/read-cookie.ts';
import type { KeyRing } from '../../storage/key-ring.ts';
import type { RedisClient } from '../../storage/redis.ts';
import type { SingleUses } from '../../storage/single-use-store.ts';
import type { Credentials, UserStore } from '../user-store.ts';
import { normaliseCode } from './recovery-codes.ts';

/** How long a code is waited for, and an enrolment, for which an app may have to be installed first. */
const LIFETIME_MS = { code: 5 * MINUTE_MS, enrol: 15 * MINUTE_MS } as const;
const TRIES = 5;
const NONCE_BYTES = 18;

export type PendingStep = keyof typeof LIFETIME_MS;

export interface PendingSignIn extends Credentials {
  /** Takes one of five tries; false when they are used up. */
  takeTry(): Promise<boolean>;
  /** False where this code was sent with this sign-in before: a form that was sent twice. */
  isFirst(code: string): Promise<boolean>;
  /** Remembers that this code did not sign in: sent again, it need not wait for the result of the first request. */
  refuse(code: string): Promise<void>;
  isRefused(code: string): Promise<boolean>;
  /** Whether it was used to sign in meanwhile. */
  isFinished(): Promise<boolean>;
  /** Uses it up: true for one request, however many bring it. */
  finish(): Promise<boolean>;
}

/**
 * The state between the right password and the code: a sealed cookie that no page but the code's own looks at, and that
 * counts only while the account has the password that was entered. It is no session.
 */
export interface PendingSignIns {
  begin(res: Response, credentials: Credentials, step: PendingStep): PendingSignIn;
  /** Undefined where there is none, it is too old, or the account is not what it was; `finished` where it was used to sign in. */
  find(req: Request, step: PendingStep): Promise<PendingSignIn | 'finished' | undefined>;
  end(res: Response): void;
}

export interface PendingSignInsDeps {
  readonly keyRing: KeyRing;
  readonly users: Pick<UserStore, 'findCredentialsById'>;
  readonly singleUses: SingleUses;
  readonly redis: RedisClient | undefined;
  readonly clock: Clock;
  /** Whether people come over https. */
  readonly https: boolean;
}

const sealedSchema = z.object({
  userId: z.string(),
  password: z.string(),
  step: z.enum(['code', 'enrol']),
  nonce: z.string(),
  /** Milliseconds since the epoch. */
  since: z.number(),
});

type Sealed = z.infer<typeof sealedSchema>;

/** The cookie is `__Host-curfew-pending` under https, else `curfew-pending`. */
export function createPendingSignIns(deps: PendingSignInsDeps): PendingSignIns {
  const { keyRing, users, singleUses, redis, clock, https } = deps;
  const name = https ? '__Host-curfew-pending' : 'curfew-pending';
  const options = { httpOnly: true, sameSite: 'lax', secure: https, path: '/' } as const;
  const cipher = keyRing.forPurpose('pending-sign-in');
  const tries = createCompoundLimiter({
    name: 'login:pending',
    what: 'Sign-in',
    limits: [{ points: TRIES, durationSeconds: LIFETIME_MS.enrol / SECOND_MS }],
    redis,
  });

  function open(credentials: Credentials, { nonce, step, since }: Sealed): PendingSignIn {
    const token = `pending-sign-in:${nonce}`;
    const refused = (code: string) => `refused-code:${nonce}:${normaliseCode(code)}`;
    const until = since + LIFETIME_MS[step];
    return {
      ...credentials,
      takeTry: async () => (await tries.take(nonce)).kind === 'taken',
      isFirst: (code) => singleUses.use(`${token}:${normaliseCode(code)}`, until),
      refuse: async (code) => void (await singleUses.use(refused(code), until)),
      isRefused: (code) => singleUses.isUsed(refused(code)),
      isFinished: () => singleUses.isUsed(token),
      finish: () => singleUses.use(token, until),
    };
  }

  function read(req: Request): Sealed | undefined {
    const opened = cipher.decrypt(readCookie(req, name) ?? '');
    return opened.kind === 'ok' ? sealedSchema.parse(JSON.parse(opened.text)) : undefined;
  }

  return {
    begin(res, credentials, step) {
      const content: Sealed = {
        userId: credentials.user.id,
        password: digest(credentials.passwordHash),
        step,
        nonce: randomBytes(NONCE_BYTES).toString('base64url'),
        since: clock.now(),
      };
      // As it is: the padding of base64 may stand in a cookie.
      res.cookie(name, cipher.encrypt(JSON.stringify(content)), { ...options, encode: String });
      return open(credentials, content);
    },

    async find(req, step) {
      const sealed = read(req);
      if (sealed === undefined || sealed.step !== step) return undefined;
      // Where a clock was put back, it may have begun in the future: that makes it no younger.
      if (Math.abs(clock.now() - sealed.since) >= LIFETIME_MS[step]) return undefined;
      const credentials = await users.findCredentialsById(sealed.userId);
      if (credentials === undefined || credentials.user.disabled) return undefined;
      if (!isSame(digest(credentials.passwordHash), sealed.password)) return undefined;
      const signIn = open(credentials, sealed);
      return (await signIn.isFinished()) ? 'finished' : signIn;
    },

    end: (res) => void res.clearCookie(name, options),
  };
}

const digest = (passwordHash: string): string => hash('sha256', passwordHash, 'base64url');

const isSame = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

import type { Request, Response } from 'express';
import { z } from 'zod';
import type { SignInMethod } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS } from '../core/duration.ts';
import { readCookie } from '../http/read-cookie.ts';
import type { KeyRing } from '../storage/key-ring.ts';

const LIFETIME_MS = 180 * DAY_MS;

/** The ways to sign in that the page can show first. */
const WAYS = ['password', 'code', 'passkey'] as const;

export interface SignInHint {
  readonly username: string;
  readonly way: (typeof WAYS)[number];
}

/**
 * Remembers in the browser who signed in with it last, and which way, so that the sign-in page fits them. It grants nothing, and
 * what the page shows depends on it alone: not on whether an account has a factor.
 */
export interface SignInHints {
  read(req: Request): SignInHint | undefined;
  write(res: Response, username: string, method: SignInMethod): void;
  forget(res: Response): void;
}

export interface SignInHintsDeps {
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  /** Whether people come over https. */
  readonly https: boolean;
}

const sealedSchema = z.object({ username: z.string(), way: z.enum(WAYS), since: z.number() });

/** The cookie is `__Host-curfew-last` under https, else `curfew-last`. */
export function createSignInHints({ keyRing, clock, https }: SignInHintsDeps): SignInHints {
  const cipher = keyRing.forPurpose('sign-in-hint');
  const name = https ? '__Host-curfew-last' : 'curfew-last';
  const options = { httpOnly: true, sameSite: 'lax', secure: https, path: '/' } as const;

  return {
    read(req) {
      const opened = cipher.decrypt(readCookie(req, name) ?? '');
      if (opened.kind !== 'ok') return undefined;
      const { since, ...hint } = sealedSchema.parse(JSON.parse(opened.text));
      return clock.now() - since < LIFETIME_MS ? hint : undefined;
    },

    write(res, username, method) {
      const content = { username, way: wayOf(method), since: clock.now() };
      const sealed = cipher.encrypt(JSON.stringify(content satisfies z.infer<typeof sealedSchema>));
      // As it is: the padding of base64 may stand in a cookie.
      res.cookie(name, sealed, { ...options, maxAge: LIFETIME_MS, encode: String });
    },

    forget: (res) => void res.clearCookie(name, options),
  };
}

function wayOf(method: SignInMethod): SignInHint['way'] {
  return method === 'totp' || method === 'recovery_code' ? 'code' : method;
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { DAY_MS } from '../core/duration.ts';
import { readCookie } from '../http/read-cookie.ts';

const LIFETIME_MS = 180 * DAY_MS;
const ID_BYTES = 18;

/** `<id>.<issued at, ms>.<HMAC>`. Every character may stand in a cookie as it is. */
const VALUE = /^([\w-]{24})\.(\d{13,15})\.([\w-]{43})$/;

/**
 * Remembers browsers on which a user has signed in, so that strangers who guess at an account cannot lock its owner
 * out: attempts from such a browser are counted by themselves (OWASP, "Slow Down Online Guessing Attacks with Device
 * Cookies"). The cookie proves nothing else and makes no session.
 */
export interface DeviceCookies {
  /**
   * Which device this is, if the user of this name signed in on it in the last 180 days, since they have their password, and
   * since `since` (ms since the epoch).
   */
  recognise(req: Request, usernameKey: string, since?: number): Promise<string | undefined>;
  /** Whether the browser says that it is one, before its username is known: that is not looked at. */
  isCarried(req: Request): boolean;
  /** After a successful sign-in: the browser is a new device of that user. */
  issue(res: Response, usernameKey: string): void;
}

export interface DeviceCookiesDeps {
  /** SESSION_SECRET, newest first: that one signs, all verify. */
  readonly secrets: readonly string[];
  /** Whether people come over https. */
  readonly secure: boolean;
  /** When the user of a name chose their password, in ms since the epoch: who knew the former one may have signed in until then. */
  readonly passwordSetAt: (usernameKey: string) => Promise<number | undefined>;
  readonly clock: Clock;
}

/** The cookie is `__Host-curfew-device` under https, else `curfew-device`. Throws without a secret. */
export function createDeviceCookies({
  secrets,
  secure,
  passwordSetAt,
  clock,
}: DeviceCookiesDeps): DeviceCookies {
  const [newest] = secrets;
  if (newest === undefined) throw new Error('Device cookies need a secret to be signed with');
  const name = secure ? '__Host-curfew-device' : 'curfew-device';

  return {
    async recognise(req, usernameKey, since = 0) {
      const [, id, issuedAt, signature] = VALUE.exec(readCookie(req, name) ?? '') ?? [];
      if (id === undefined || issuedAt === undefined || signature === undefined) return undefined;
      if (clock.now() - Number(issuedAt) >= LIFETIME_MS || Number(issuedAt) < since) return undefined;
      const given = Buffer.from(signature, 'base64url');
      const genuine = secrets.some((secret) =>
        timingSafeEqual(sign(secret, id, issuedAt, usernameKey), given),
      );
      if (!genuine) return undefined;
      const passwordAge = await passwordSetAt(usernameKey);
      return passwordAge !== undefined && Number(issuedAt) >= passwordAge ? id : undefined;
    },

    isCarried: (req) => readCookie(req, name) !== undefined,

    issue(res, usernameKey) {
      const id = randomBytes(ID_BYTES).toString('base64url');
      const issuedAt = String(clock.now());
      const signature = sign(newest, id, issuedAt, usernameKey).toString('base64url');
      res.cookie(name, `${id}.${issuedAt}.${signature}`, {
        httpOnly: true,
        sameSite: 'lax',
        secure,
        path: '/',
        maxAge: LIFETIME_MS,
      });
    },
  };
}

/** Begins with its purpose, so that no other signature made with the same secret can stand in for it. */
function sign(secret: string, id: string, issuedAt: string, usernameKey: string): Buffer {
  return createHmac('sha256', secret).update(`curfew-device:${id}:${issuedAt}:${usernameKey}`).digest();
}

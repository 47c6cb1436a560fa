import { Secret, TOTP } from 'otpauth';
import { SECOND_MS } from '../../core/duration.ts';

/** RFC 6238 with its defaults, which every authenticator app knows. */
const OPTIONS = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
/** Steps before and after the present one that are taken as well (RFC 6238, 5.2). */
const TOLERANCE = 1;
/** As long as the digest: RFC 4226, R6, recommends 160 bits. */
const SECRET_BYTES = 20;

export const TOTP_CODE = /^\d{6}$/;

/** In Base32, as people type it into an app. */
export const generateTotpSecret = (): string => new Secret({ size: SECRET_BYTES }).base32;

/** The step that a code belongs to, in 30 seconds since the epoch; undefined where it is wrong now. `now`: ms since the epoch. */
export function matchTotpStep(secret: string, code: string, now: number): number | undefined {
  if (!TOTP_CODE.test(code)) return undefined;
  const totp = new TOTP({ ...OPTIONS, secret: Secret.fromBase32(secret) });
  const delta = totp.validate({ token: code, timestamp: now, window: TOLERANCE });
  return delta === null ? undefined : Math.floor(now / SECOND_MS / OPTIONS.period) + delta;
}

/** Content of the QR code for an authenticator app. `server`: the host that the app shows beside the name. */
export function totpUri(secret: string, { username, server }: { username: string; server: string }): string {
  const label = `${username} (${server})`.replaceAll(':', ' ');
  return new TOTP({ ...OPTIONS, issuer: 'Curfew', label, secret: Secret.fromBase32(secret) }).toString();
}

import { Secret, TOTP } from 'otpauth';

/** The code that an authenticator app with this secret shows. `at`: in ms since the epoch; now without. */
export function totpCode(secret: string, at?: number): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate(at === undefined ? {} : { timestamp: at });
}

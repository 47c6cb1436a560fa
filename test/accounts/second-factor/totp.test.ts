import { Secret } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { generateTotpSecret, matchTotpStep, totpUri } from '../../../src/accounts/second-factor/totp.ts';

/** RFC 6238, appendix B, SHA-1; the last six of their eight digits. */
const SECRET = Secret.fromLatin1('12345678901234567890').base32;
const VECTORS = [
  [59, '287082', 0x1],
  [1111111109, '081804', 0x23523ec],
  [1111111111, '050471', 0x23523ed],
  [1234567890, '005924', 0x273ef07],
  [2000000000, '279037', 0x3f940aa],
  [20000000000, '353130', 0x27bc86aa],
] as const;

describe('Codes of authenticator apps', () => {
  it.each(VECTORS)('at %i s since the epoch is %s, of step %i', (seconds, code, step) => {
    expect(matchTotpStep(SECRET, code, seconds * 1000)).toBe(step);
  });

  it('are taken one step early and one step late, and no further', () => {
    const at = 1111111111_000;
    const step = 0x23523ed;
    for (const steps of [-1, 0, 1])
      expect(matchTotpStep(SECRET, '050471', at + steps * 30_000), `${steps}`).toBe(step);
    for (const steps of [-2, 2])
      expect(matchTotpStep(SECRET, '050471', at + steps * 30_000), `${steps}`).toBeUndefined();
  });

  it.each(['', '50471', '0504711', 'abcdef', '05047 1', '-50471'])('are six digits: not “%s”', (code) => {
    expect(matchTotpStep(SECRET, code, 1111111111_000)).toBeUndefined();
  });

  it('come from secrets of 160 bits, no two alike, in an address that names the server', () => {
    const secret = generateTotpSecret();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(generateTotpSecret()).not.toBe(secret);
    const uri = new URL(totpUri(secret, { username: 'asha', server: 'curfew.example:8443' }));
    expect(uri.protocol).toBe('otpauth:');
    expect(decodeURIComponent(uri.pathname)).toContain('Curfew:asha (curfew.example 8443)');
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      issuer: 'Curfew',
      secret,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
  });
});

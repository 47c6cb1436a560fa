import { describe, expect, it } from 'vitest';
import {
  generateRecoveryCodes,
  isRecoveryCode,
  normaliseCode,
  recoveryCodeDigest,
} from '../../../src/accounts/second-factor/recovery-codes.ts';

describe('Recovery codes', () => {
  it('are ten, all different, of 112 bits or more', () => {
    const codes = generateRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[a-hj-km-np-z2-9]{4}(?:-[a-hj-km-np-z2-9]{4}){5}$/);
    expect(24 * Math.log2(31)).toBeGreaterThan(112);
  });

  it('may be typed with spaces, without hyphens and in capital letters', () => {
    const typed = normaliseCode(' K7MQ 2hd9-wn4t b6yc ');
    expect(isRecoveryCode(typed)).toBe(true);
    expect(recoveryCodeDigest('asha', typed)).toBe(recoveryCodeDigest('asha', 'k7mq-2hd9-wn4t-b6yc'));
    expect(recoveryCodeDigest('ravi', typed)).not.toBe(recoveryCodeDigest('asha', typed));
    for (const code of generateRecoveryCodes()) expect(isRecoveryCode(normaliseCode(code))).toBe(true);
    for (const text of ['123456', 'k7mq2hd9wn4t', 'k7mq2hd9wn4tb6ycm3px'])
      expect(isRecoveryCode(text)).toBe(false);
  });
});

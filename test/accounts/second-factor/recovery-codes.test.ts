import { describe, expect, it } from 'vitest';
import {
  generateRecoveryCodes,
  isRecoveryCode,
  normaliseCode,
  recoveryCodeDigest,
} from '../../../src/accounts/second-factor/recovery-codes.ts';

describe('Recovery codes', () => {
  it('are ten, all different, of more than 50 bits', () => {
    const codes = generateRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[a-hj-km-np-z2-9]{4}(?:-[a-hj-km-np-z2-9]{4}){3}$/);
    expect(16 * Math.log2(31)).toBeGreaterThan(50);
  });

  it('may be typed with spaces, without hyphens and in capital letters', () => {
    const typed = normaliseCode(' K7MQ 2hd9-wn4t b6yc ');
    expect(isRecoveryCode(typed)).toBe(true);
    expect(recoveryCodeDigest('asha', typed)).toBe(recoveryCodeDigest('asha', 'k7mq-2hd9-wn4t-b6yc'));
    expect(recoveryCodeDigest('ravi', typed)).not.toBe(recoveryCodeDigest('asha', typed));
    expect(isRecoveryCode('123456')).toBe(false);
  });
});

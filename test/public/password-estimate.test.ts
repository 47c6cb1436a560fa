import { describe, expect, it } from 'vitest';

interface Estimate {
  estimateBits(password: string, known?: readonly string[]): number;
  strengthOf(bits: number): string;
}

// A script of the browser's, which is checked by a configuration of its own.
const script = '../../public/password-estimate.js';
const { estimateBits, strengthOf } = (await import(script)) as Estimate;

describe('The strength of a password while it is typed', () => {
  const strength = (password: string, known: readonly string[] = []) =>
    strengthOf(estimateBits(password, known));

  it.each([
    '',
    'password',
    'Password1',
    'qwerty12345',
    'aaaaaaaaaaaaaaaa',
    'abcdefghijkl',
    '123456789012',
    'India2026',
  ])('is weak for “%s”', (password) => expect(strength(password)).toBe('weak'));

  it.each(['tractor pelican moss', 'quiet-monsoon-harbour-42', 'gT7$kQ2!vLx9', 'चाय पहाड़ नदी किताब'])(
    'is more for “%s”',
    (password) => expect(strength(password)).not.toBe('weak'),
  );

  it('counts what is known of the person for next to nothing', () => {
    expect(strength('meenakshi-sundaram', ['meenakshi', 'sundaram'])).toBe('weak');
    expect(strength('meenakshi-sundaram')).toBe('strong');
  });

  it('grows with each character that tells something', () => {
    expect(estimateBits('tractor')).toBeLessThan(estimateBits('tractor p'));
    expect(estimateBits('tractorrrrr')).toBe(estimateBits('tractor'));
  });
});

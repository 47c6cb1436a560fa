import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_TOLERANCE_MS, isPastCutoff } from '../../src/core/expiry.ts';

const CUTOFF = Date.parse('2026-11-23T03:00:00+05:30');
const NOW = CUTOFF + 3_600_000;

describe('a login', () => {
  it('counts from the instant of the cutoff on', () => {
    expect(isPastCutoff(CUTOFF - 1, NOW, CUTOFF)).toBe(true);
    expect(isPastCutoff(CUTOFF, NOW, CUTOFF)).toBe(false);
    expect(isPastCutoff(NOW, NOW, CUTOFF)).toBe(false);
  });

  it('may be as far ahead as the clocks of two nodes may differ, and no further', () => {
    expect(isPastCutoff(NOW + CLOCK_SKEW_TOLERANCE_MS, NOW, CUTOFF)).toBe(false);
    expect(isPastCutoff(NOW + CLOCK_SKEW_TOLERANCE_MS + 1, NOW, CUTOFF)).toBe(true);
    expect(isPastCutoff(NOW + CLOCK_SKEW_TOLERANCE_MS + 1, NOW, Number.NEGATIVE_INFINITY)).toBe(true);
  });

  it('does not count when its time cannot be read', () => {
    expect(isPastCutoff(Number.NaN, NOW, CUTOFF)).toBe(true);
    expect(isPastCutoff(Number.NaN, NOW, Number.NEGATIVE_INFINITY)).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { bucketIndex, lastDays, lastHours } from '../../../src/admin/overview/period.ts';

const at = (time: string): number => Date.parse(`${time}+05:30`);
const NOW = at('2026-11-21T12:16:40');

describe('the last 24 hours', () => {
  const period = lastHours(NOW);

  it('are hours of an Indian clock, and the last one is running', () => {
    expect(period.buckets).toHaveLength(24);
    expect(period.buckets[0]).toMatchObject({
      from: at('2026-11-20T13:00:00'),
      to: at('2026-11-20T14:00:00'),
      label: '13:00',
      name: 'Fri 20 Nov, 13:00 to 14:00',
    });
    expect(period.buckets.at(-1)).toMatchObject({
      from: at('2026-11-21T12:00:00'),
      name: 'Sat 21 Nov, 12:00 to 13:00',
    });
  });

  it('have a label every six hours', () => {
    const labels = period.buckets.filter(({ isLabelled }) => isLabelled).map(({ label }) => label);
    expect(labels).toEqual(['18:00', '00:00', '06:00', '12:00']);
  });

  it('begin with the instant itself and end before theirs', () => {
    expect(bucketIndex(period, at('2026-11-20T13:00:00') - 1)).toBe(-1);
    expect(bucketIndex(period, at('2026-11-20T13:00:00'))).toBe(0);
    expect(bucketIndex(period, at('2026-11-21T03:00:00') - 1)).toBe(13);
    expect(bucketIndex(period, at('2026-11-21T03:00:00'))).toBe(14);
    expect(bucketIndex(period, NOW)).toBe(23);
    expect(bucketIndex(period, at('2026-11-21T13:00:00'))).toBe(-1);
  });
});

describe('the last 30 days', () => {
  it('are days from midnight to midnight in India, over the end of a month', () => {
    const { buckets } = lastDays(NOW);
    expect(buckets).toHaveLength(30);
    expect(buckets[0]).toMatchObject({ from: at('2026-10-23T00:00:00'), name: 'Fri 23 Oct' });
    expect(buckets.at(-1)).toMatchObject({
      from: at('2026-11-21T00:00:00'),
      to: at('2026-11-22T00:00:00'),
      label: '21 Nov',
      isLabelled: true,
    });
  });

  it('change at the Indian midnight, which is half past six in the evening of Greenwich', () => {
    const before = lastDays(Date.parse('2026-11-21T18:29:59.999Z'));
    const after = lastDays(Date.parse('2026-11-21T18:30:00.000Z'));
    expect(before.buckets.at(-1)?.name).toBe('Sat 21 Nov');
    expect(after.buckets.at(-1)?.name).toBe('Sun 22 Nov');
    expect(bucketIndex(after, Date.parse('2026-11-21T18:29:59.999Z'))).toBe(28);
  });
});

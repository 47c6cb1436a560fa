import { CLOCK_SKEW_TOLERANCE_MS } from '../../core/expiry.ts';
import { type Finding, findingsOf } from './finding.ts';

/** A second clock is a second opinion: more than two seconds apart, a login of one machine is of the future to another. */
export function checkClockDifference(name: string, aheadMs: number): readonly Finding[] {
  if (Math.abs(aheadMs) <= CLOCK_SKEW_TOLERANCE_MS) return [];
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  return [
    findingsOf(name).warn(
      `Its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
      'Let NTP set the clocks of both.',
    ),
  ];
}

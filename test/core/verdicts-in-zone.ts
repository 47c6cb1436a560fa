import fc from 'fast-check';
import { lastCutoff } from '../../src/core/cutoff.ts';
import { isPastCutoff } from '../../src/core/expiry.ts';
import { CUTOFF_CASES } from './cutoff-cases.ts';
import { isExpiredByTheDays } from './day-by-day-oracle.ts';
import { randomSessions } from './random-sessions.ts';

/** Run by cutoff-zones.test.ts in a process whose TZ is another one. Prints what this zone makes of the same cases. */
const verdicts = CUTOFF_CASES.map(({ login, now, time }) => {
  const at = Date.parse(now);
  return isPastCutoff(Date.parse(login), at, lastCutoff(at, time));
});

fc.assert(
  fc.property(randomSessions, ({ login, now, time }) => {
    return isPastCutoff(login, now, lastCutoff(now, time)) === isExpiredByTheDays(login, now, time);
  }),
  { numRuns: 2000 },
);

const offsets = [0, 6].map((month) => 0 - new Date(2026, month, 15).getTimezoneOffset());
process.stdout.write(JSON.stringify({ offsets, verdicts }));

import fc from 'fast-check';
import type { CutoffTime } from '../../src/core/cutoff.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/** Often close to a cutoff: the interesting instants are the ones beside it. */
const instants = fc.oneof(
  fc.integer({ min: EARLIEST, max: LATEST }),
  fc
    .tuple(
      fc.integer({ min: EARLIEST / MINUTE_MS, max: LATEST / MINUTE_MS }),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([minute, ms]) => minute * MINUTE_MS + ms),
);

const ages = fc.oneof(
  fc.integer({ min: -5000, max: 2 * DAY_MS }),
  fc.integer({ min: 0, max: 400 * DAY_MS }),
  fc.integer({ min: 0, max: 2 * 1440 }).map((minutes) => minutes * MINUTE_MS),
);

export const cutoffTimes: fc.Arbitrary<CutoffTime> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ hour: fc.nat(23), minute: fc.nat(59) }) },
  { weight: 1, arbitrary: fc.constant('off' as const) },
);

/** A login, a request after it (or a little before it), and the setting. */
export const randomSessions = fc
  .tuple(instants, ages, cutoffTimes)
  .map(([now, age, time]) => ({ now, login: now - age, time }));

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../src/core/clock.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';

/** The clock of one or several machines, as a test sets it: it goes on from there by itself. */
export interface MachineClock extends Clock {
  /** To an instant, in ms since the epoch. */
  set(instant: number): void;
  /** Forward, or back. */
  jump(ms: number): void;
  /** For the processes of these machines. */
  readonly env: Readonly<Record<'NODE_OPTIONS' | 'CLOCK_SHIFT_FILE', string>>;
  remove(): void;
}

const PRELOAD = new URL('shifted-date.ts', import.meta.url).href;
/** Always as long, so that nobody reads half of a number. */
const WIDTH = 24;

/** Shows the true time until it is set. */
export function createMachineClock(): MachineClock {
  const directory = createScratchDirectory('clock');
  const file = join(directory.path, 'shift');
  let shift = 0;

  function put(ms: number): void {
    shift = Math.round(ms);
    writeFileSync(file, String(shift).padStart(WIDTH), { flag: 'r+' });
  }

  writeFileSync(file, '0'.padStart(WIDTH));
  return {
    now: () => systemClock.now() + shift,
    set: (instant) => put(instant - systemClock.now()),
    jump: (ms) => put(shift + ms),
    env: { NODE_OPTIONS: `--import=${PRELOAD}`, CLOCK_SHIFT_FILE: file },
    remove: () => directory.remove(),
  };
}

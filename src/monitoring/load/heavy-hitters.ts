/** Counts the busiest subjects, in memory of a fixed size. */
export interface HeavyHitters {
  add(key: string): void;
  /** Each with a lower bound of how often it came. */
  entries(): Iterable<readonly [key: string, count: number]>;
}

/**
 * Misra and Gries: a subject that makes up more than one in `places + 1` of all is among the entries, with a count that is too low by no
 * more than that share. A newcomer without a place takes one from each entry; so a flood of addresses that come once
 * leaves those standing that come often.
 */
export function createHeavyHitters(places: number): HeavyHitters {
  const counts = new Map<string, number>();
  return {
    add(key) {
      const known = counts.get(key);
      if (known !== undefined) counts.set(key, known + 1);
      else if (counts.size < places) counts.set(key, 1);
      else takeOneFromEach(counts);
    },
    entries: () => counts,
  };
}

function takeOneFromEach(counts: Map<string, number>): void {
  for (const [key, count] of counts) {
    if (count === 1) counts.delete(key);
    else counts.set(key, count - 1);
  }
}

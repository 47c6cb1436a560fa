/**
 * Requests that wait for a hash, in the order they are served: `known` comes from a browser that has signed in before, or from
 * a signed-in user; `slow` has waited its turn in the slow lane; `new` are all others.
 */
export const HASH_LANES = ['known', 'slow', 'new'] as const;
export type HashLane = (typeof HASH_LANES)[number];

/** Each turn of so many goes to the last lane first, so that no lane stands still however full the others are. */
const TURNS_OF_A_ROUND = 4;

export interface HashQueueDeps {
  readonly maxInFlight: number;
  /** In each lane. */
  readonly maxWaiting: number;
  /** Makes the error for a full lane. */
  readonly full: () => Error;
}

export interface HashQueue {
  run<T>(lane: HashLane, work: () => Promise<T>): Promise<T>;
  /** In all lanes. */
  readonly waiting: number;
}

/** A bounded queue with lanes: strangers who fill theirs take no place from the people who were here before. */
export function createHashQueue({ maxInFlight, maxWaiting, full }: HashQueueDeps): HashQueue {
  const lanes: Readonly<Record<HashLane, (() => void)[]>> = { known: [], slow: [], new: [] };
  let inFlight = 0;
  let turns = 0;

  function takeNext(): (() => void) | undefined {
    turns += 1;
    const order = turns % TURNS_OF_A_ROUND === 0 ? HASH_LANES.toReversed() : HASH_LANES;
    const lane = order.find((name) => lanes[name].length > 0);
    return lane === undefined ? undefined : lanes[lane].shift();
  }

  async function passOn<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      const next = takeNext();
      if (next === undefined) inFlight -= 1;
      else next();
    }
  }

  return {
    async run(lane, work) {
      if (inFlight < maxInFlight) {
        inFlight += 1;
        return passOn(work);
      }
      if (lanes[lane].length >= maxWaiting) throw full();
      await new Promise<void>((myTurn) => lanes[lane].push(myTurn));
      return passOn(work);
    },
    get waiting() {
      return HASH_LANES.reduce((sum, lane) => sum + lanes[lane].length, 0);
    },
  };
}

import { PRICE_MODES, type PriceMode, type PriceStream } from '../../core/price-feed.ts';

/** Tells a stream what is wanted of it, in as few messages as it takes. */
export interface StreamSubscriptions {
  /** To be called when the wants of an instrument may have changed. */
  want(key: string): void;
  /** The stream is a new one, which has been told nothing. */
  forget(): void;
}

/** Looks at the end of the turn at all that has changed in it. */
export function createStreamSubscriptions(
  modeOf: (key: string) => PriceMode | undefined,
  openStream: () => PriceStream | undefined,
): StreamSubscriptions {
  const changed = new Set<string>();
  const told = new Map<string, PriceMode>();
  let isWaiting = false;

  function tell(): void {
    isWaiting = false;
    const stream = openStream();
    if (stream === undefined) return;
    const keys = [...changed];
    changed.clear();
    const gone = keys.filter((key) => told.has(key) && modeOf(key) === undefined);
    if (gone.length > 0) stream.unsubscribe(gone);
    for (const mode of PRICE_MODES) {
      const wanted = keys.filter((key) => modeOf(key) === mode && told.get(key) !== mode);
      const fresh = wanted.filter((key) => !told.has(key));
      const known = wanted.filter((key) => told.has(key));
      if (fresh.length > 0) stream.subscribe(fresh, mode);
      if (known.length > 0) stream.setMode(known, mode);
      for (const key of wanted) told.set(key, mode);
    }
    for (const key of gone) told.delete(key);
  }

  return {
    want(key) {
      changed.add(key);
      if (isWaiting) return;
      isWaiting = true;
      setImmediate(tell);
    },
    forget() {
      told.clear();
      changed.clear();
    },
  };
}

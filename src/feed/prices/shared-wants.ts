import { PRICE_MODES, type PriceMode, type Tick } from '../../core/price-feed.ts';
import { limitTo } from './price-book.ts';
import type { LastQuote } from './price-frame.ts';

export type Wants = ReadonlyMap<string, PriceMode>;

/** Each node's wants of one stream, and the stream's last message about each instrument. */
export interface SharedWants {
  /** Takes the place of what the node wanted before. Answers what is known already of what is new in it. */
  set(node: string, wants: Wants): readonly Tick[];
  remove(node: string): void;
  /** The most that any node wants of an instrument; undefined where none does. */
  modeOf(key: string): PriceMode | undefined;
  keys(): Iterable<string>;
  isWantedBesides(node: string, key: string): boolean;
  remember(ticks: readonly Tick[], now: number): void;
}

export function createSharedWants(onChange: (key: string) => void): SharedWants {
  const byNode = new Map<string, Wants>();
  const lasts = new Map<string, LastQuote>();

  function modeOf(key: string): PriceMode | undefined {
    const modes = [...byNode.values()].map((wants) => wants.get(key));
    return PRICE_MODES.findLast((mode) => modes.includes(mode));
  }

  /** The stream ends for instruments that no node wants: a later reader must not be shown the old price as new. */
  function settle(key: string): void {
    const mode = modeOf(key);
    const last = lasts.get(key);
    if (mode === undefined) lasts.delete(key);
    else if (last !== undefined) lasts.set(key, limitTo(mode, last));
    onChange(key);
  }

  function replace(node: string, wants: Wants | undefined): readonly string[] {
    const before = byNode.get(node);
    if (wants === undefined) byNode.delete(node);
    else byNode.set(node, wants);
    const keys = new Set([...(before?.keys() ?? []), ...(wants?.keys() ?? [])]);
    const changed = [...keys].filter((key) => before?.get(key) !== wants?.get(key));
    for (const key of changed) settle(key);
    return changed;
  }

  return {
    set(node, wants) {
      return replace(node, wants).flatMap((key) => {
        const last = lasts.get(key);
        return last === undefined || !wants.has(key) ? [] : [{ key, ...last }];
      });
    },
    remove: (node) => void replace(node, undefined),
    modeOf,
    keys: () => new Set([...byNode.values()].flatMap((wants) => [...wants.keys()])),
    isWantedBesides: (node, key) => [...byNode].some(([each, wants]) => each !== node && wants.has(key)),
    remember(ticks, now) {
      for (const { key, ...quote } of ticks) {
        const mode = modeOf(key);
        const before = lasts.get(key);
        const price = quote.price ?? before?.price;
        if (mode === undefined || price === undefined) continue;
        lasts.set(key, limitTo(mode, { ...before, at: now, ...quote, price, stale: false }));
      }
    },
  };
}

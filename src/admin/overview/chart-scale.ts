/** An axis from zero to `top`, with the values at which a line is drawn. */
export interface ChartScale {
  readonly top: number;
  readonly ticks: readonly number[];
}

const STEPS = [1, 2, 5, 10] as const;
const INTERVALS = 4;

/**
 * The smallest axis with at most four equal steps of 1, 2 or 5 times a power of ten that holds `largest`. It begins at zero,
 * always: an axis that does not makes small differences look large. Steps are never smaller than 1.
 */
export function niceScale(largest: number): ChartScale {
  const rough = Math.max(1, largest / INTERVALS);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((each) => each * power >= rough) ?? 10);
  const count = Math.max(1, Math.ceil(largest / step));
  return { top: count * step, ticks: Array.from({ length: count + 1 }, (_, index) => index * step) };
}

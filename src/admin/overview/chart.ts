import type { Period } from './period.ts';

/** A place in the palette, its texture and the pattern of its line: nothing is told by colour alone. */
export type ChartTone = 1 | 2 | 3 | 4 | 5;

/** One row of figures, a value for each bucket; undefined where there is nothing to say, which is not zero. */
export interface ChartSeries {
  readonly name: string;
  readonly tone: ChartTone;
  readonly values: readonly (number | undefined)[];
  /** Of the whole period, for the legend. */
  readonly whole: number | undefined;
}

/** A chart and its texts. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** Bars stand on each other, lines do not. */
  readonly shape: 'bars' | 'lines';
  readonly measure: ChartMeasure;
  readonly period: Period;
  readonly series: readonly ChartSeries[];
  /** In the place of an empty drawing. */
  readonly nothing: string;
  /** A note for reading it right; '' for none. */
  readonly note: string;
  /** The table behind it. */
  readonly behind: { readonly href: string; readonly text: string };
}

export type ChartMeasure = 'count' | 'milliseconds';

/** `1,204`, `85 ms`, `1.2 s`; `–` for nothing. */
export function measured(value: number | undefined, measure: ChartMeasure): string {
  if (value === undefined) return '–';
  if (measure === 'count') return value.toLocaleString('en-IN');
  return value < 1000
    ? `${Math.round(value)} ms`
    : `${(value / 1000).toLocaleString('en-IN', { maximumFractionDigits: 1 })} s`;
}

/** As `measured`, and short enough to stand beside an axis: `50k`, `2M`. */
export function tickText(value: number, measure: ChartMeasure): string {
  if (measure !== 'count' || value < 10_000) return measured(value, measure);
  return value < 1_000_000 ? `${value / 1000}k` : `${value / 1_000_000}M`;
}

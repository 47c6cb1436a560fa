import type { ChartScale } from './chart-scale.ts';

/**
 * In units of the drawing, which is as wide as a phone's card in pixels: there its letters have the size that they are given
 * here, and a wider card gets smaller ones by a rule in the style sheet.
 */
export const CHART_SIZE = { width: 320, height: 160 } as const;
const LEFT = 48;
const RIGHT = 316;
const TOP = 10;
const BOTTOM = 136;
const LABEL_BASELINE = 153;
/** Half of what a label under the axis takes: one at the edge would be cut off. */
const LABEL_HALF = 18;

/** Where things lie within a drawing of `count` buckets. */
export interface ChartArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly labelBaseline: number;
  readonly bucketWidth: number;
  /** The left edge of a bucket. */
  x(index: number): number;
  /** The height of a value. */
  y(value: number): number;
}

export function createChartArea(count: number, scale: ChartScale): ChartArea {
  const bucketWidth = (RIGHT - LEFT) / count;
  return {
    left: LEFT,
    right: RIGHT,
    top: TOP,
    bottom: BOTTOM,
    labelBaseline: LABEL_BASELINE,
    bucketWidth: tenth(bucketWidth),
    x: (index) => tenth(LEFT + index * bucketWidth),
    y: (value) => tenth(BOTTOM - (Math.min(value, scale.top) / scale.top) * (BOTTOM - TOP)),
  };
}

/** Where the label of what is centred at x begins, ends or is centred, so that it stays within the drawing. */
export function anchorOf(x: number): 'start' | 'middle' | 'end' {
  if (x < LABEL_HALF) return 'start';
  return x > CHART_SIZE.width - LABEL_HALF ? 'end' : 'middle';
}

/** A tenth of a unit is too small to see. */
export const tenth = (number: number): number => Math.round(number * 10) / 10;

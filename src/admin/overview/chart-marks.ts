import type { ChartSeries, ChartTone } from './chart.ts';
import { type ChartArea, tenth } from './chart-area.ts';

export interface BarMark {
  readonly tone: ChartTone;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Gap between two bars, as a share of a bucket. */
const GAP = 0.22;
/** Least height of a bar that is not zero, so that it can be seen. */
const LOWEST = 0.8;

/** The bars of one bucket, the first series at the bottom. */
export function stackedBars(
  series: readonly ChartSeries[],
  index: number,
  area: ChartArea,
): readonly BarMark[] {
  const marks: BarMark[] = [];
  const x = tenth(area.x(index) + (area.bucketWidth * GAP) / 2);
  const width = tenth(area.bucketWidth * (1 - GAP));
  let below = 0;
  let bottom = area.bottom;
  for (const { tone, values } of series) {
    const value = values[index] ?? 0;
    if (value === 0) continue;
    below += value;
    const y = Math.min(area.y(below), tenth(bottom - LOWEST));
    marks.push({ tone, x, y, width, height: tenth(bottom - y) });
    bottom = y;
  }
  return marks;
}

/** The highest bar. */
export function largestSum(series: readonly ChartSeries[]): number {
  const count = series[0]?.values.length ?? 0;
  const sums = Array.from({ length: count }, (_, index) =>
    series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  return Math.max(0, ...sums);
}

export interface LineMarks {
  readonly tone: ChartTone;
  /** An SVG path; '' where no two neighbours have a value. */
  readonly path: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** One series as a line that is broken where there is no value. */
export function lineMarks({ tone, values }: ChartSeries, area: ChartArea): LineMarks {
  const points: { x: number; y: number }[] = [];
  let path = '';
  values.forEach((value, index) => {
    if (value === undefined) return;
    const point = { x: tenth(area.x(index) + area.bucketWidth / 2), y: area.y(value) };
    const continues = values[index - 1] !== undefined;
    path += `${continues ? 'L' : 'M'}${point.x} ${point.y}`;
    points.push(point);
  });
  return { tone, path, points };
}

export function largestValue(series: readonly ChartSeries[]): number {
  return Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
}

import type { ChartSeries, ChartTone } from './chart.ts';
import { type ChartArea, tenth } from './chart-area.ts';

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

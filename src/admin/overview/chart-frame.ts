import { type Chart, tickText } from './chart.ts';
import { anchorOf, type ChartArea, tenth } from './chart-area.ts';
import type { ChartScale } from './chart-scale.ts';

/** Axes and what is written at them, as plain numbers for the view. */
export interface ChartFrame {
  readonly left: number;
  readonly right: number;
  readonly gridLines: readonly { readonly y: number; readonly text: string; readonly textY: number }[];
  readonly labels: readonly {
    readonly x: number;
    readonly y: number;
    readonly anchor: string;
    readonly text: string;
  }[];
  /** The bucket that is not over. */
  readonly running: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
}

export function chartFrame(chart: Chart, area: ChartArea, scale: ChartScale): ChartFrame {
  const { buckets } = chart.period;
  return {
    left: area.left,
    right: area.right,
    gridLines: scale.ticks.map((tick) => ({
      y: area.y(tick),
      text: tickText(tick, chart.measure),
      textY: area.y(tick) + 3.5,
    })),
    labels: buckets.flatMap(({ label, isLabelled }, index) => {
      if (!isLabelled) return [];
      const x = tenth(area.x(index) + area.bucketWidth / 2);
      return [{ x, y: area.labelBaseline, anchor: anchorOf(x), text: label }];
    }),
    running: {
      x: area.x(buckets.length - 1),
      y: area.top,
      width: area.bucketWidth,
      height: area.bottom - area.top,
    },
  };
}

import { type Chart, measured } from './chart.ts';
import { CHART_SIZE, createChartArea } from './chart-area.ts';
import { type ChartFrame, chartFrame } from './chart-frame.ts';
import {
  type BarMark,
  type LineMarks,
  largestSum,
  largestValue,
  lineMarks,
  stackedBars,
} from './chart-marks.ts';
import { niceScale } from './chart-scale.ts';

/** A chart as the view writes it down: plain numbers and texts, and the same figures as a table. */
export interface ChartView {
  readonly id: string;
  readonly title: string;
  /** Said in the place of the drawing. */
  readonly description: string;
  readonly note: string;
  readonly behind: Chart['behind'];
  readonly legend: readonly {
    readonly name: string;
    readonly tone: number;
    readonly shape: Chart['shape'];
    readonly whole: string;
  }[];
  /** Undefined where there is nothing to draw. */
  readonly drawing: ChartDrawing | undefined;
  readonly nothing: string;
  readonly table: ChartTable;
}

export interface ChartDrawing extends ChartFrame {
  readonly width: number;
  readonly height: number;
  readonly columns: readonly {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    /** Text of the tooltip. */
    readonly text: string;
    readonly bars: readonly BarMark[];
  }[];
  readonly lines: readonly LineMarks[];
}

export interface ChartTable {
  readonly bucketHeading: string;
  readonly headings: readonly string[];
  /** The newest first. */
  readonly rows: readonly {
    readonly name: string;
    readonly isRunning: boolean;
    readonly cells: readonly string[];
  }[];
}

export function toChartView(chart: Chart): ChartView {
  const { id, title, shape, measure, series, nothing, note, behind } = chart;
  return {
    id,
    title,
    description: describe(chart),
    note,
    behind,
    legend: series.map(({ name, tone, whole }) => ({ name, tone, shape, whole: measured(whole, measure) })),
    drawing: largestOf(chart) === 0 ? undefined : draw(chart),
    nothing,
    table: tabulate(chart),
  };
}

function largestOf({ shape, series }: Chart): number {
  return shape === 'bars' ? largestSum(series) : largestValue(series);
}

function draw(chart: Chart): ChartDrawing {
  const { shape, series, period } = chart;
  const scale = niceScale(largestOf(chart));
  const area = createChartArea(period.buckets.length, scale);
  return {
    ...CHART_SIZE,
    ...chartFrame(chart, area, scale),
    columns: period.buckets.map(({ name }, index) => ({
      x: area.x(index),
      y: area.top,
      width: area.bucketWidth,
      height: area.bottom - area.top,
      text: `${name}: ${figuresOf(chart, index)}`,
      bars: shape === 'bars' ? stackedBars(series, index, area) : [],
    })),
    lines: shape === 'lines' ? series.map((each) => lineMarks(each, area)) : [],
  };
}

/** `Signed in 12, Refused 3`. */
function figuresOf({ series, measure }: Chart, index: number): string {
  return series.map(({ name, values }) => `${name} ${measured(values[index], measure)}`).join(', ');
}

function describe(chart: Chart): string {
  const { period, series, measure, shape } = chart;
  const [first] = period.buckets;
  const last = period.buckets.at(-1);
  if (first === undefined || last === undefined) return '';
  const kind = shape === 'bars' ? 'Stacked bars' : 'Lines';
  const whole = series.map(({ name, whole: value }) => `${name} ${measured(value, measure)}`).join(', ');
  return `${kind}, one for each ${period.unit} from ${first.name} to ${last.name}, which is not over. In all: ${whole}. ${chart.note} The figures are in the table below.`;
}

function tabulate({ period, series, measure }: Chart): ChartTable {
  const { buckets, unit } = period;
  const rows = buckets.map(({ name }, index) => ({
    name,
    isRunning: index === buckets.length - 1,
    cells: series.map(({ values }) => measured(values[index], measure)),
  }));
  return {
    bucketHeading: unit === 'hour' ? 'Hour (IST)' : 'Day (IST)',
    headings: series.map(({ name }) => name),
    rows: rows.reverse(),
  };
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Comparison, type Metric, ratiosOf, type Spread, type Subject, spreadOf } from './comparison.ts';
import { RESULTS_FOLDER } from './folders.ts';
import type { MachineFacts } from './machine.ts';
import type { Options } from './options.ts';

/** A comparison for people: `median [lowest, highest]` of the rounds, and how many times better than the first column. */
export function formatComparison({ title, metrics, subjects }: Comparison): string {
  const header = ['', ...subjects.map((subject) => subject.name)];
  const rows = metrics.map((metric) => [
    metric.name,
    ...subjects.map((subject) => formatCell(subject, subjects[0] ?? subject, metric)),
  ]);
  return [title, ...formatTable([header, ...rows])].join('\n');
}

function formatCell(subject: Subject, baseline: Subject, metric: Metric): string {
  const values = subject.samples.map((sample) => sample[metric.name] ?? Number.NaN);
  const ratios = ratiosOf(subject, baseline, metric);
  const cell = formatSpread(spreadOf(values), metric.digits);
  return ratios === undefined ? cell : `${cell}  x${formatSpread(ratios, 2)}`;
}

function formatSpread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} [${min.toFixed(digits)}, ${max.toFixed(digits)}]`;
}

export function formatTable(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`);
}

/** The same for programs; returns the file's path. */
export function writeResults(
  startedAt: Date,
  machine: MachineFacts,
  options: Options,
  comparisons: readonly Comparison[],
): string {
  const results = comparisons.map((comparison) => ({
    ...comparison,
    summary: comparison.metrics.map((metric) => summarise(comparison, metric)),
  }));
  mkdirSync(RESULTS_FOLDER, { recursive: true });
  const file = join(RESULTS_FOLDER, `${startedAt.toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ startedAt, machine, options, comparisons: results }, undefined, 2)}\n`,
  );
  return file;
}

function summarise({ subjects }: Comparison, metric: Metric) {
  return {
    metric: metric.name,
    subjects: subjects.map((subject) => ({
      name: subject.name,
      ...spreadOf(subject.samples.map((sample) => sample[metric.name] ?? Number.NaN)),
      timesBetter: ratiosOf(subject, subjects[0] ?? subject, metric),
    })),
  };
}

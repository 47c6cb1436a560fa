import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

export interface Column<T> {
  readonly heading: string;
  readonly value: (row: T) => string;
}

const GAP = '  ';

/**
 * Prints rows as they come, batch by batch, so that a hundred thousand need no memory; returns how many there were.
 * The columns are as wide as the first batch needs them.
 */
export async function printTable<T>(
  { print }: Pick<Terminal, 'print'>,
  columns: readonly Column<T>[],
  batches: AsyncIterable<readonly T[]>,
): Promise<number> {
  let widths: readonly number[] | undefined;
  let count = 0;
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    const cells = batch.map((row) => columns.map((column) => printable(column.value(row))));
    if (widths === undefined) {
      const headings = columns.map((column) => column.heading);
      widths = widthsOf([headings, ...cells]);
      cells.unshift(headings);
    }
    const fitting = widths;
    await print(cells.map((row) => toLine(row, fitting)).join('\n'));
    count += batch.length;
  }
  return count;
}

function widthsOf(lines: readonly (readonly string[])[]): readonly number[] {
  const [first = []] = lines;
  return first.map((_, column) => Math.max(...lines.map((line) => lengthOf(line[column] ?? ''))));
}

function toLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell))))
    .join(GAP)
    .trimEnd();
}

/** In characters as a reader counts them, near enough. */
function lengthOf(text: string): number {
  return [...text].length;
}

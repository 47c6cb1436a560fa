import type { BadLine } from './import-record.ts';
import { BAD_LINES_SHOWN } from './master-limits.ts';

/** Findings of an import about its file as it goes, to explain how it ended. */
export interface ImportNotes {
  /** Undefined until the user or the file has told. */
  broker: string | undefined;
  addBadLine(line: BadLine): void;
  /** The lines that are left out: all counted, the first ones kept. */
  readonly badLines: number;
  readonly badLineSamples: readonly BadLine[];
}

export function createImportNotes(broker: string | undefined): ImportNotes {
  const samples: BadLine[] = [];
  let count = 0;
  return {
    broker,
    addBadLine(line) {
      count += 1;
      if (samples.length < BAD_LINES_SHOWN) samples.push(line);
    },
    get badLines() {
      return count;
    },
    badLineSamples: samples,
  };
}

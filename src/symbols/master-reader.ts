import { invalid } from '../errors.ts';
import { type CsvLine, parseCsvLines } from './csv-lines.ts';
import { MASTER_FORMATS } from './formats/all-formats.ts';
import type { MasterFormat } from './formats/master-format.ts';
import { checkInstrument, type InstrumentCheck } from './instrument-check.ts';
import { MASTER_LIMITS } from './master-limits.ts';
import { cutIntoLines, type MasterTextOptions, readMasterText, type TextLine } from './master-text.ts';

export interface MasterReaderOptions extends MasterTextOptions {
  /** The broker of the master; undefined where its columns are to tell. */
  readonly broker: string | undefined;
}

/** Some lines of a master, in their order. */
export interface MasterBatch {
  readonly broker: string;
  readonly lines: readonly MasterLine[];
}

export interface MasterLine {
  readonly number: number;
  readonly check: InstrumentCheck;
}

/**
 * Reads a broker's instrument master as it streams by. A bad line is an outcome; a file that is none, or not this
 * broker's, throws `invalid`.
 */
export async function* readMaster(options: MasterReaderOptions): AsyncGenerator<MasterBatch> {
  let table: Table | undefined;
  for await (const lines of cutIntoLines(readMasterText(options))) {
    const [first, ...others] = lines;
    if (first === undefined) continue;
    if (table !== undefined) {
      yield table.read(lines);
      continue;
    }
    table = openTable(first, options.broker);
    yield table.read(others);
  }
  if (table === undefined) throw invalid({ file: 'The file is empty.' });
}

interface Table {
  read(lines: readonly TextLine[]): MasterBatch;
}

function openTable(header: TextLine, broker: string | undefined): Table {
  const names = cellsOf(parseCsvLines([header.text ?? ''])[0]);
  const format = findFormat(names, broker);
  const columns = new Map(names.map((name, index) => [name, index]));

  function check(line: CsvLine): InstrumentCheck {
    if ('why' in line) return { kind: 'bad', why: line.why };
    if (line.length !== names.length)
      return { kind: 'bad', why: `it has ${line.length} columns and not ${names.length}` };
    return checkInstrument(
      format.broker,
      format.read((column) => line[columns.get(column) ?? -1] ?? ''),
    );
  }

  return {
    read(lines) {
      const parsed = parseCsvLines(lines.map(({ text }) => text ?? ''));
      return {
        broker: format.broker,
        lines: lines.map(({ number, text }, index) => {
          const cells = parsed[index];
          return { number, check: text === undefined || cells === undefined ? TOO_LONG : check(cells) };
        }),
      };
    },
  };
}

const TOO_LONG: InstrumentCheck = {
  kind: 'bad',
  why: `it is longer than ${MASTER_LIMITS.lineLength} characters`,
};

const cellsOf = (line: CsvLine | undefined): readonly string[] =>
  line === undefined || 'why' in line ? [] : line;

function findFormat(names: readonly string[], broker: string | undefined): MasterFormat {
  const found = MASTER_FORMATS.find((format) => missingColumns(format, names).length === 0);
  const wanted = MASTER_FORMATS.find((format) => format.broker === broker);
  if (found !== undefined && (wanted === undefined || wanted === found)) return found;
  if (wanted === undefined) {
    const known = MASTER_FORMATS.map((format) => format.name).join(', ');
    throw invalid({
      file: `The first line is not the column names of an instrument master that Curfew knows (${known}).`,
    });
  }
  if (found !== undefined)
    throw invalid({ file: `These are the columns of ${found.name} and not those of ${wanted.name}.` });
  const missing = missingColumns(wanted, names).join(', ');
  throw invalid({ file: `The first line lacks columns that the master of ${wanted.name} has: ${missing}.` });
}

const missingColumns = ({ columns }: MasterFormat, names: readonly string[]): readonly string[] =>
  columns.filter((column) => !names.includes(column));

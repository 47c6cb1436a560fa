import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalid } from '../errors.ts';
import type { SymbolBatch } from './import-store.ts';
import type { MasterBatch } from './master-reader.ts';
import type { MasterSurvey } from './master-survey.ts';
import type { PlacedInstrument } from './symbol-index.ts';

export interface MasterWriterOptions {
  /** The same file as the survey's, from its beginning. */
  readonly batches: AsyncIterable<MasterBatch>;
  readonly survey: MasterSurvey;
  readonly firstId: number;
  /** Stores some of them, in ascending order of their ids. `done` is how many there are with these. */
  readonly insert: (batch: SymbolBatch, done: number) => Promise<void>;
}

/** As many rows as a commit takes some milliseconds for: meanwhile a SQLite file is closed to others, and its process to everything else. */
const ROWS_AT_ONCE = 200;

/** Stores what a survey has found good, each instrument at its place. Throws `invalid` when the file has changed since. */
export async function writeMaster({ batches, survey, firstId, insert }: MasterWriterOptions): Promise<void> {
  let waiting: PlacedInstrument[] = [];
  let done = 0;

  async function flush(): Promise<void> {
    const symbols = waiting.toSorted((a, b) => a.id - b.id);
    waiting = [];
    if (symbols.length > 0) await insert({ firstId, symbols }, done);
    // SQLite writes without giving other work a turn.
    await nextTurn();
  }

  for await (const { lines } of batches) {
    for (const { number, check } of lines) {
      if (check.kind === 'bad' || survey.repeatedLines.has(number)) continue;
      const place = survey.places[done];
      if (place === undefined) throw fileChanged();
      waiting.push({ id: firstId + place, instrument: check.instrument });
      done += 1;
      if (waiting.length === ROWS_AT_ONCE) await flush();
    }
  }
  await flush();
  if (done !== survey.instruments) throw fileChanged();
}

export const fileChanged = (): Error =>
  invalid({ file: 'The file was changed while it was read. Nothing was imported: try again.' });

import type { Instrument } from '../core/symbol.ts';
import { invalid } from '../errors.ts';
import { displayOrderKey, isOption, underlyingOf, withStanding } from './display-order.ts';
import type { ImportNotes } from './import-notes.ts';
import { hasTooManyBadLines, MASTER_LIMITS } from './master-limits.ts';
import type { MasterBatch, MasterLine } from './master-reader.ts';
import { sortInBatches } from './sort-in-batches.ts';

/** Result of the first reading of a file: whether it is good, and in which order its instruments belong. */
export interface MasterSurvey {
  readonly broker: string;
  readonly instruments: number;
  /** How many of them are no options; those come first. */
  readonly others: number;
  /** For each instrument, in the order of the file: its place among all, from 0. */
  readonly places: Int32Array;
  /** Lines with an instrument that stands further up as well. */
  readonly repeatedLines: ReadonlySet<number>;
  /** Which occur, sorted. */
  readonly exchanges: readonly string[];
  readonly types: readonly string[];
}

/**
 * Looks through a whole file and keeps no more than a short text for each instrument. Throws `invalid` for one that is not
 * to take the place of a master. `notes` get what is found out, also when it throws.
 */
export async function surveyMaster(
  batches: AsyncIterable<MasterBatch>,
  notes: ImportNotes,
): Promise<MasterSurvey> {
  const count = createCount(notes);
  let broker = '';
  for await (const batch of batches) {
    broker = batch.broker;
    notes.broker = broker;
    for (const line of batch.lines) count.take(line);
  }
  const { keys, repeatedLines, others } = count;
  if (hasTooManyBadLines(notes.badLines, count.lines)) throw tooManyBadLines(notes.badLines, count.lines);
  if (keys.length === 0) throw invalid({ file: 'There is no instrument in the file.' });
  return {
    broker,
    instruments: keys.length,
    others,
    places: inverse(await sortInBatches(keys.map((key) => withStanding(key, count.underlyings)))),
    repeatedLines,
    exchanges: [...count.exchanges].sort(),
    types: [...count.types].sort(),
  };
}

function createCount(notes: ImportNotes) {
  const firstLines = new Map<string, number>();
  const count = {
    lines: 0,
    others: 0,
    keys: [] as string[],
    underlyings: new Set<string>(),
    repeatedLines: new Set<number>(),
    exchanges: new Set<string>(),
    types: new Set<string>(),
    take,
  };

  function take({ number, check }: MasterLine): void {
    count.lines += 1;
    if (check.kind === 'bad') addBadLine(number, check.why);
    else takeInstrument(number, check.instrument);
  }

  function takeInstrument(number: number, instrument: Instrument): void {
    const { exchange, segment, instrumentToken, instrumentType } = instrument;
    // The broker tells instruments apart by these. A name may stand for several: Dhan calls all weekly expiries of a month alike.
    const identity = `${segment} ${instrumentToken}`;
    const firstLine = firstLines.get(identity);
    if (firstLine !== undefined) {
      count.repeatedLines.add(number);
      addBadLine(number, `the instrument ${segment} ${instrumentToken} stands on line ${firstLine} already`);
      return;
    }
    if (count.keys.length === MASTER_LIMITS.instruments)
      throw invalid({ file: `The file has more than ${MASTER_LIMITS.instruments} instruments.` });
    firstLines.set(identity, number);
    count.keys.push(displayOrderKey(instrument));
    if (instrument.expiry !== undefined) count.underlyings.add(underlyingOf(instrument));
    count.exchanges.add(exchange);
    count.types.add(instrumentType);
    if (!isOption(instrument)) count.others += 1;
  }

  function addBadLine(number: number, why: string): void {
    notes.addBadLine({ number, why });
    // However long the file is: nothing that comes can mend it.
    if (hasTooManyBadLines(notes.badLines, MASTER_LIMITS.instruments))
      throw tooManyBadLines(notes.badLines, count.lines);
  }

  return count;
}

const tooManyBadLines = (bad: number, lines: number): Error =>
  invalid({
    file: `${bad} of ${lines} lines cannot be used. That is too many for a master: nothing was changed.`,
  });

/** Where each one stands, instead of who stands where. */
function inverse(order: Int32Array): Int32Array {
  const places = new Int32Array(order.length);
  order.forEach((who, place) => {
    places[who] = place;
  });
  return places;
}

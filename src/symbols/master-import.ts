import type { FileHandle } from 'node:fs/promises';
import type { ImportNotes } from './import-notes.ts';
import type { ImportProgress } from './import-record.ts';
import type { ImportTurn } from './import-turn.ts';
import { type MasterBatch, readMaster } from './master-reader.ts';
import { surveyMaster } from './master-survey.ts';
import { fileChanged, writeMaster } from './master-writer.ts';
import type { SymbolIndex } from './symbol-index.ts';

export interface MasterImportOptions {
  readonly turn: ImportTurn;
  /** Stays open. */
  readonly handle: FileHandle;
  /** Undefined where the file's columns are to tell. */
  readonly broker: string | undefined;
  readonly notes: ImportNotes;
  readonly index: Pick<SymbolIndex, 'prepare' | 'settle'>;
  readonly onProgress: (progress: ImportProgress) => void;
}

/**
 * Reads a file twice: the first time to find out whether it is good and in which order its instruments belong, so that a
 * bad one costs no write; the second time to store it beside the master in use. Then one commit changes over.
 * Returns the number of instruments. Throws `invalid` for a bad file, `ImportStoppedError` where the turn is over.
 */
export async function importMaster(options: MasterImportOptions): Promise<number> {
  const { turn, handle, notes, index, onProgress } = options;
  const { size } = await handle.stat();
  const checksums: number[] = [];

  const first = read(options, checksums);
  const checked = eachFollowedBy(first.batches, async () => {
    const progress = { stage: 'checking', done: first.bytes(), total: size } as const;
    onProgress(progress);
    await turn.sayAlive(progress);
  });
  const survey = await surveyMaster(checked, notes);

  const { broker, instruments: total, exchanges, types } = survey;
  const { firstId, lastId } = await turn.reserve(total);
  await index.prepare(firstId);
  await writeMaster({
    batches: read(options, checksums).batches,
    survey,
    firstId,
    async insert(batch, done) {
      const progress = { stage: 'storing', done, total } as const;
      await turn.insert(batch, progress);
      onProgress(progress);
    },
  });
  if (checksums[0] !== checksums[1]) throw fileChanged();

  await index.settle();
  const master = { broker, firstId, firstOptionId: firstId + survey.others, lastId, exchanges, types };
  await turn.changeOver(master, notes);
  return total;
}

function read({ handle, broker }: MasterImportOptions, checksums: number[]) {
  let position = 0;
  const batches = readMaster({
    handle,
    broker,
    onBytes: (bytes) => {
      position = bytes;
    },
    onEnd: (checksum) => void checksums.push(checksum),
  });
  return { batches, bytes: () => position };
}

async function* eachFollowedBy(
  batches: AsyncIterable<MasterBatch>,
  then: () => Promise<void>,
): AsyncGenerator<MasterBatch> {
  for await (const batch of batches) {
    yield batch;
    await then();
  }
}

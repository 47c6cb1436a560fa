import { z } from 'zod';
import type { AuditRow, ChainHead } from '../core/audit-chain.ts';
import { chainHash } from '../storage/audit-hash.ts';

/** The first thing that is wrong with a chain. */
export interface ChainProblem {
  readonly kind:
    | 'changed'
    | 'missing'
    | 'out_of_order'
    | 'beginning_missing'
    | 'cut_off'
    | 'beyond_head'
    | 'head_wrong'
    | 'not_as_kept'
    | 'unreadable';
  /** Where: the first row that is not as it should be. */
  readonly seq: number;
  /** The problem, in sentences for a person. */
  readonly message: string;
  readonly advice: string;
}

/** Goes along a chain, row by row, and remembers a head and a sum, at any length. */
export interface ChainCheck {
  /** The first problem; afterwards nothing more is looked at. */
  take(row: AuditRow): ChainProblem | undefined;
  /** The place of the last row that was taken. */
  readonly position: ChainHead;
  readonly rows: number;
  /** The row that was removed last, according to the last `audit.pruned` among the rows. */
  readonly pruned: ChainHead | undefined;
}

export interface ChainCheckOptions {
  /** The head that the first row must follow. */
  readonly start: ChainHead;
  /** A head that was kept elsewhere. */
  readonly kept?: ChainHead | undefined;
}

const prunedSchema = z.object({ seq: z.int(), hash: z.string() });

export function createChainCheck({ start, kept }: ChainCheckOptions): ChainCheck {
  let position = start;
  let rows = 0;
  let pruned: ChainHead | undefined;

  return {
    take(row) {
      const { seq } = row;
      const expected = position.seq + 1;
      if (seq < expected) return outOfOrder(seq, position.seq);
      if (seq > expected) return missing(expected, seq - 1);
      if (chainHash(position.hash, seq, row) !== row.hash) return changed(seq);
      if (kept?.seq === seq && kept.hash !== row.hash) return notAsKept(seq);
      if (row.type === 'audit.pruned') pruned = readPruned(row.detail) ?? pruned;
      position = { seq, hash: row.hash };
      rows += 1;
      return undefined;
    },
    get position() {
      return position;
    },
    get rows() {
      return rows;
    },
    get pruned() {
      return pruned;
    },
  };
}

function readPruned(detail: string): ChainHead | undefined {
  try {
    return prunedSchema.parse(JSON.parse(detail));
  } catch {
    return undefined;
  }
}

export interface ChainEnding {
  /** The claimed end. */
  readonly head: ChainHead;
  readonly kept?: ChainHead | undefined;
  /** The claimed beginning; undefined where the rows need not begin at the beginning. */
  readonly start?: ChainHead | undefined;
}

/** A problem with the completeness of a chain whose rows were all good. */
export function checkEnding(check: ChainCheck, { head, kept, start }: ChainEnding): ChainProblem | undefined {
  const last = check.position;
  if (start !== undefined && start.seq > 0 && !isSame(check.pruned, start))
    return beginningMissing(start.seq);
  if (last.seq < head.seq) return cutOff(last.seq + 1, head.seq, 'the head of the chain');
  if (last.seq === head.seq && last.hash !== head.hash) return headWrong(head.seq);
  if (kept !== undefined && kept.seq > last.seq)
    return cutOff(last.seq + 1, kept.seq, 'the head that was kept');
  return undefined;
}

const isSame = (one: ChainHead | undefined, other: ChainHead): boolean =>
  one !== undefined && one.seq === other.seq && one.hash === other.hash;

const KEEP =
  'Keep the database as it is now, keep other people away from it, and compare with an export or a backup from before.';

const range = (from: number, to: number): string =>
  from === to ? `Row ${from} is` : `Rows ${from} to ${to} are`;

export const changed = (seq: number): ChainProblem => ({
  kind: 'changed',
  seq,
  message: `Row ${seq} does not fit the row before it: it was edited, inserted or put in another's place.`,
  advice: KEEP,
});

export const missing = (from: number, to: number): ChainProblem => ({
  kind: 'missing',
  seq: from,
  message: `${range(from, to)} missing: deleted from the middle.`,
  advice: KEEP,
});

export const outOfOrder = (seq: number, after: number): ChainProblem => ({
  kind: 'out_of_order',
  seq,
  message: `Row ${seq} comes after row ${after}: the rows are in another order, or one was inserted.`,
  advice: KEEP,
});

export const beginningMissing = (seq: number): ChainProblem => ({
  kind: 'beginning_missing',
  seq: 1,
  message: `${range(1, seq)} missing, and no event in the chain says that they were removed for their age.`,
  advice: KEEP,
});

export const cutOff = (from: number, to: number, what: string): ChainProblem => ({
  kind: 'cut_off',
  seq: from,
  message: `${range(from, to)} missing: the end was cut off. That they existed is known from ${what}.`,
  advice: `${KEEP} After a restored backup this is what is to be expected: what came after the backup is gone.`,
});

/** An export alone cannot show that rows are missing at its end. */
export const endOfFileGone = (next: number): ChainProblem => ({
  kind: 'cut_off',
  seq: next,
  message: 'The last line of the file, the one with the head, is not there: the file was cut off.',
  advice: 'Export again, or look for another copy of the file.',
});

export const beyondHead = (seq: number): ChainProblem => ({
  kind: 'beyond_head',
  seq,
  message: `Row ${seq} lies behind the head of the chain: it was inserted, or the head was set back.`,
  advice: KEEP,
});

export const headWrong = (seq: number): ChainProblem => ({
  kind: 'head_wrong',
  seq,
  message: `The head of the chain is not the hash of row ${seq}: one of the two was forged.`,
  advice: KEEP,
});

export const headGone = (): ChainProblem => ({
  kind: 'head_wrong',
  seq: 0,
  message: 'The head of the chain is not there: it was removed.',
  advice: `${KEEP} Nothing is recorded until it is back.`,
});

export const notAsKept = (seq: number): ChainProblem => ({
  kind: 'not_as_kept',
  seq,
  message: `Row ${seq} has another hash than the head that was kept: everything up to it may have been written anew.`,
  advice: KEEP,
});

export const unreadable = (seq: number, line: number): ChainProblem => ({
  kind: 'unreadable',
  seq,
  message: `Line ${line} of the file cannot be read as a row of the audit log.`,
  advice: 'Export again, or look for another copy of the file.',
});

import { type ChainHead, GENESIS } from '../core/audit-chain.ts';
import { type ExportEnd, exportEnd, exportedRow } from './audit-export.ts';
import {
  type ChainCheck,
  type ChainProblem,
  changed,
  checkEnding,
  createChainCheck,
  cutOff,
  endOfFileGone,
  unreadable,
} from './chain-check.ts';
import type { ChainVerdict } from './chain-verification.ts';

export interface ExportVerificationOptions {
  /** A head that was kept elsewhere. */
  readonly kept?: ChainHead | undefined;
  readonly onProgress?: (done: number) => void;
}

const TOLD_EVERY_ROWS = 5000;

/**
 * Verifies an export by itself, line by line and without a database. What its first row follows is believed, unless that is
 * row 1: a part of the log can be verified by itself, the rows before it cannot.
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  { kept, onProgress }: ExportVerificationOptions = {},
): Promise<ChainVerdict> {
  let check: ChainCheck | undefined;
  let start = GENESIS;
  let end: ExportEnd | undefined;
  let number = 0;

  const verdict = (problem: ChainProblem | undefined): ChainVerdict => ({
    problem,
    rows: check?.rows ?? 0,
    start,
    last: check?.position ?? start,
    head: end?.head,
  });

  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    const next = (check?.position.seq ?? 0) + 1;
    const value = parseLine(line);
    const row = exportedRow.safeParse(value);
    // Behind the head nothing may come.
    if (end !== undefined) return verdict(unreadable(next, number));
    if (!row.success) {
      const parsed = exportEnd.safeParse(value);
      if (!parsed.success) return verdict(unreadable(next, number));
      end = parsed.data;
      continue;
    }
    const { seq, previous } = row.data;
    if (check === undefined) {
      start = { seq: seq - 1, hash: seq === 1 ? GENESIS.hash : previous };
      check = createChainCheck({ start, kept });
    }
    const problem =
      previous === check.position.hash ? check.take(row.data) : (check.take(row.data) ?? changed(seq));
    if (problem !== undefined) return verdict(problem);
    if (check.rows % TOLD_EVERY_ROWS === 0) onProgress?.(check.rows);
  }
  return verdict(whatIsMissing(check ?? createChainCheck({ start }), end, kept));
}

function whatIsMissing(
  check: ChainCheck,
  end: ExportEnd | undefined,
  kept: ChainHead | undefined,
): ChainProblem | undefined {
  const next = check.position.seq + 1;
  if (end === undefined) return endOfFileGone(next);
  if (end.rows !== check.rows) return cutOff(next, next, 'the number of rows in the last line');
  if (end.complete) return checkEnding(check, { head: end.head, kept });
  return kept !== undefined && kept.seq > end.head.seq
    ? cutOff(next, kept.seq, 'the head that was kept')
    : undefined;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

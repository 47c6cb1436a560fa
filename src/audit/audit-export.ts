import { z } from 'zod';
import { type AuditRow, type ChainHead, GENESIS } from '../core/audit-chain.ts';
import { toIstIso } from '../core/ist.ts';
import type { AuditRowStore } from './audit-row-store.ts';

/** Half-open, in ms since the epoch; without one of them from the beginning, or to the end. */
export interface ExportRange {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** A line of an export: a row with what it follows, so that each one can be recomputed by itself. */
export const exportedRow = z.object({
  seq: z.int().positive(),
  at: z.int(),
  time: z.string(),
  type: z.string(),
  userId: z.string().nullable(),
  actor: z.string(),
  address: z.string().nullable(),
  requestId: z.string().nullable(),
  detail: z.string(),
  previous: z.string(),
  hash: z.string(),
});
export type ExportedRow = z.infer<typeof exportedRow>;

/** The last line: the chain's head when the export began, and what the file holds of it. */
export const exportEnd = z.object({
  head: z.object({ seq: z.int().nonnegative(), hash: z.string() }),
  rows: z.int().nonnegative(),
  /** Whether it was to go up to the head. */
  complete: z.boolean(),
  exportedAt: z.string(),
});
export type ExportEnd = z.infer<typeof exportEnd>;

/** The audit log as JSON Lines, batch by batch, with the head as the last line. `now`: ms since the epoch. */
export async function* writeAuditExport(
  rows: AuditRowStore,
  { since, until }: ExportRange,
  now: number,
): AsyncIterable<string> {
  const { head, pruned } = await rows.end();
  const first = since === undefined ? pruned.seq + 1 : await rows.firstSince(since);
  const last = until === undefined ? head.seq : Math.min(head.seq, await rows.lastBefore(until));
  let count = 0;
  if (first > 0 && first <= last) {
    let previous = await hashBefore(rows, first, pruned);
    for await (const batch of rows.list(first - 1, last)) {
      let text = '';
      for (const row of batch) {
        text += `${JSON.stringify(toLine(row, previous))}\n`;
        previous = row.hash;
      }
      count += batch.length;
      yield text;
    }
  }
  const end: ExportEnd = { head, rows: count, complete: last === head.seq, exportedAt: toIstIso(now) };
  yield `${JSON.stringify(end)}\n`;
}

async function hashBefore(rows: AuditRowStore, first: number, pruned: ChainHead): Promise<string> {
  if (first === 1) return GENESIS.hash;
  if (first === pruned.seq + 1) return pruned.hash;
  return (await rows.find(first - 1))?.hash ?? GENESIS.hash;
}

function toLine(row: AuditRow, previous: string): ExportedRow {
  const { seq, at, type, userId, actor, address, requestId, detail, hash } = row;
  return { seq, at, time: toIstIso(at), type, userId, actor, address, requestId, detail, previous, hash };
}

/** The range of an export, for the audit log: `everything`, `from … until …`. */
export function describeRange({ since, until }: ExportRange): string {
  if (since === undefined && until === undefined) return 'everything';
  const parts = [
    ...(since === undefined ? [] : [`from ${toIstIso(since)}`]),
    ...(until === undefined ? [] : [`until ${toIstIso(until)}`]),
  ];
  return parts.join(' ');
}

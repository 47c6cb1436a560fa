import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChainHead } from '../core/audit-chain.ts';
import type { AuditRowStore } from './audit-row-store.ts';
import {
  beyondHead,
  type ChainProblem,
  changed,
  checkEnding,
  createChainCheck,
  cutOff,
  headGone,
  notAsKept,
} from './chain-check.ts';

/** The result of a verification. */
export interface ChainVerdict {
  /** The first broken link; undefined where all is well. */
  readonly problem: ChainProblem | undefined;
  /** How many rows were verified. */
  readonly rows: number;
  /** The head that the first of them follows. */
  readonly start: ChainHead;
  /** The last row that was verified. */
  readonly last: ChainHead;
  /** The end that the chain claims; undefined where it claims none. */
  readonly head: ChainHead | undefined;
}

export interface VerificationOptions {
  /** A head that was kept elsewhere. */
  readonly kept?: ChainHead | undefined;
  /** Rows up to here were verified before: only what came afterwards is looked at. */
  readonly from?: ChainHead | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Verifies the chain in the database, batch by batch, also while others append to it. */
export async function verifyChain(
  rows: AuditRowStore,
  { kept, from, onProgress }: VerificationOptions = {},
): Promise<ChainVerdict> {
  const { head, pruned, lastRow, hasHead } = await rows.end();
  // Verified rows may have been removed for their age since.
  const isPart = from !== undefined && from.seq > pruned.seq;
  const start = isPart ? from : pruned;
  const check = createChainCheck({ start, kept });
  const verdict = (problem: ChainProblem | undefined): ChainVerdict => ({
    problem,
    rows: check.rows,
    start,
    last: check.position,
    head: hasHead ? head : undefined,
  });

  if (isPart) {
    if (lastRow < from.seq) return verdict(cutOff(lastRow + 1, from.seq, 'the last check'));
    const known = await rows.find(from.seq);
    if (known?.hash !== from.hash) return verdict(changed(from.seq));
  }
  for await (const batch of rows.list(start.seq, lastRow)) {
    for (const row of batch) {
      if (hasHead && row.seq > head.seq) return verdict(beyondHead(row.seq));
      const problem = check.take(row);
      if (problem !== undefined) return verdict(problem);
    }
    onProgress?.(check.position.seq - start.seq, lastRow - start.seq);
    await nextTurn();
  }
  if (!hasHead) return verdict(headGone());
  // A head from before the rows that were removed can be compared with the last one of those, and with nothing else.
  if (kept !== undefined && kept.seq > 0 && kept.seq === pruned.seq && kept.hash !== pruned.hash)
    return verdict(notAsKept(kept.seq));
  return verdict(checkEnding(check, { head, kept, start: isPart ? undefined : start }));
}

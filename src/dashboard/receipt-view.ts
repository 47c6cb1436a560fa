import { RECEIPT_HEADINGS, receiptStepWords } from '../core/receipt-words.ts';
import type { Receipt, ReceiptLine } from '../core/revocation.ts';

/** A receipt in a person's words. */
export interface ReceiptView {
  readonly heading: string;
  readonly endedAt: number;
  readonly lines: readonly {
    readonly text: string;
    readonly status: 'done' | 'queued';
    readonly count: number;
    readonly detail?: string;
  }[];
}

export function toReceiptView(receipt: Receipt): ReceiptView {
  return {
    heading: RECEIPT_HEADINGS[receipt.reason],
    endedAt: receipt.orderedAt,
    lines: receipt.lines.map((line) => ({
      text: receiptStepWords(line.step),
      status: line.status,
      count: line.count,
      ...detailFor(receipt, line),
    })),
  };
}

/** How many people a cutoff concerned is nothing that each of them should read. */
function detailFor(receipt: Receipt, line: ReceiptLine): { detail?: string } {
  if (line.detail === undefined || receipt.scope === 'sweep') return {};
  return { detail: line.detail };
}

import { RECEIPT_HEADINGS, receiptStepWords } from '../core/receipt-words.ts';
import type { Receipt, ReceiptLine } from '../core/revocation.ts';
import type { Viewer } from '../http/page.ts';

/** A receipt in a person's words. */
export interface ReceiptView {
  readonly heading: string;
  readonly endedAt: number;
  readonly lines: readonly {
    readonly text: string;
    readonly status: 'done' | 'queued';
    readonly count?: number;
    readonly detail?: string;
  }[];
}

/** `viewer`: the role of whoever reads it. */
export function toReceiptView(receipt: Receipt, { viewer }: { viewer: Viewer['role'] }): ReceiptView {
  const numbers = receipt.scope !== 'sweep' || viewer === 'admin';
  return {
    heading: RECEIPT_HEADINGS[receipt.reason],
    endedAt: receipt.orderedAt,
    lines: receipt.lines.map((line) => ({
      text: receiptStepWords(line.step),
      status: line.status,
      ...(numbers ? numbersOf(line) : {}),
    })),
  };
}

/** Of a sweep they are everybody's: how many people a cutoff concerned is nothing that each of them should read. */
function numbersOf({ count, detail }: ReceiptLine): { count: number; detail?: string } {
  return { count, ...(detail === undefined ? {} : { detail }) };
}

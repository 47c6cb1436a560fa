import { formatIst, toIstIso } from '../core/ist.ts';
import type { Receipt, ReceiptLine } from '../core/revocation.ts';
import type { CommandContext, ExitCode } from './command.ts';

/** How many of something a receipt says have ended. */
export function countOf({ lines }: Receipt, step: 'sessions' | 'broker_tokens'): number {
  return lines.find((line) => line.step === step)?.count ?? 0;
}

/** A receipt as people read it: what was ended, step by step. */
export function receiptText(receipt: Receipt): string {
  const width = Math.max(...receipt.lines.map((line) => stepName(line).length));
  const lines = receipt.lines.map((line) => `  ${stepName(line).padEnd(width)}  ${outcomeText(line)}`);
  return [`Revocation ${receipt.orderId} of ${formatIst(receipt.orderedAt)}`, ...lines].join('\n');
}

/** The same for programs; `orderedAt` in ISO 8601. */
export function receiptRecord({ orderedAt, ...receipt }: Receipt) {
  return { ...receipt, userId: receipt.userId ?? null, orderedAt: toIstIso(orderedAt) };
}

/** A step that failed is stored and tried again, but not by this process: then the command has not done what it says. */
export function reportOutcome({ terminal }: CommandContext, status: Receipt['status']): ExitCode {
  if (status === 'done') return 0;
  terminal.say(
    'curfew: Not everything has ended yet. What is missing is stored, and the running server tries it again until it is done.',
  );
  return 1;
}

function stepName({ step }: ReceiptLine): string {
  return step.replaceAll('_', ' ');
}

function outcomeText(line: ReceiptLine): string {
  if (line.status === 'queued') return 'not yet: will be tried again';
  // This process caches nothing and has no sockets: it told the servers that do.
  if (line.step === 'caches') return 'every running server was told to clear its own';
  if (line.step === 'sockets') return 'every running server was told to close its own';
  return line.detail === undefined ? `${line.count} ended` : `${line.count} ended (${line.detail})`;
}

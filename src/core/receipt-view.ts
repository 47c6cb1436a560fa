import type { BrokerAnswers } from './broker-answer.ts';
import { answerWords, RECEIPT_HEADINGS, receiptDetailWords, receiptStepWords } from './receipt-labels.ts';
import type { Receipt, ReceiptLine } from './revocation.ts';
import type { Role } from './role.ts';

/** A receipt in a person's words. */
export interface ReceiptView {
  readonly heading: string;
  readonly endedAt: number;
  readonly lines: readonly ReceiptLineView[];
}

export interface ReceiptLineView {
  readonly text: string;
  readonly status: 'done' | 'queued' | 'failed';
  readonly count?: number;
  readonly detail?: string;
}

export interface ReceiptViewOptions {
  /** The role of its reader. */
  readonly viewer: Role;
  readonly brokerName?: (broker: string) => string;
  /** The brokers' answers so far; only about the reader's tokens where they are no administrator. */
  readonly answers?: readonly BrokerAnswers[] | undefined;
}

export function toReceiptView(receipt: Receipt, options: ReceiptViewOptions): ReceiptView {
  const { viewer, brokerName = (broker) => broker, answers = [] } = options;
  const numbers = receipt.scope !== 'sweep' || viewer === 'admin';
  return {
    heading: RECEIPT_HEADINGS[receipt.reason],
    endedAt: receipt.orderedAt,
    lines: [
      ...receipt.lines.map((line) => ({
        text: receiptStepWords(line.step),
        status: line.status,
        ...(numbers ? numbersOf(line, brokerName) : {}),
      })),
      ...(answers.length === 0 ? [] : [brokerLine(answers, brokerName)]),
    ],
  };
}

/** Of a sweep they are all users': how many people a cutoff concerned is nothing that each of them should read. */
function numbersOf(
  { step, count, detail }: ReceiptLine,
  brokerName: (broker: string) => string,
): { count: number; detail?: string } {
  return { count, ...(detail === undefined ? {} : { detail: receiptDetailWords(step, detail, brokerName) }) };
}

/** Not part of the receipt, which is written before any broker is asked: as far as their answers are known by now. */
function brokerLine(
  answers: readonly BrokerAnswers[],
  brokerName: (broker: string) => string,
): ReceiptLineView {
  const has = (wanted: BrokerAnswers['answer']): boolean => answers.some(({ answer }) => answer === wanted);
  return {
    text: receiptStepWords('broker_logout'),
    status: has('failed') ? 'failed' : has('asked') ? 'queued' : 'done',
    detail: answers.map((each) => answerWords(each, brokerName)).join('; '),
  };
}

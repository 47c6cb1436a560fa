import type { Receipt, ReceiptLine, RevocationReason } from '../core/revocation.ts';
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
    heading: HEADINGS[receipt.reason],
    endedAt: receipt.orderedAt,
    lines: receipt.lines.map((line) => ({
      text: STEPS[line.step] ?? line.step,
      status: line.status,
      ...(numbers ? numbersOf(line) : {}),
    })),
  };
}

/** Of a sweep they are everybody's: how many people a cutoff concerned is nothing that each of them should read. */
function numbersOf({ count, detail }: ReceiptLine): { count: number; detail?: string } {
  return { count, ...(detail === undefined ? {} : { detail }) };
}

const HEADINGS: Readonly<Record<RevocationReason, string>> = {
  logged_out: 'You signed out',
  logged_out_everywhere: 'You signed out everywhere',
  cutoff: 'The daily cutoff',
  idle: 'A session was not used',
  ended_by_owner: 'You ended a device',
  ended_by_admin: 'An administrator ended a session',
  session_limit: 'The oldest device made room for a new one',
  password_changed: 'The password was changed',
  account_disabled: 'The account was disabled',
};

const STEPS: Readonly<Record<string, string>> = {
  broker_tokens: 'Broker tokens revoked in the database',
  sessions: 'Sessions ended in the store',
  caches: 'Cached values cleared',
  broker_logout: 'Sign-out at the broker asked for',
};

import type { AuditRow } from '../core/audit-chain.ts';
import { type AuditNames, auditSentence } from './audit-sentences.ts';
import { auditTitle } from './audit-titles.ts';

/** A row as pages show it. */
export interface AuditRowView {
  readonly seq: number;
  readonly at: number;
  readonly title: string;
  readonly sentence: string;
  /** `The server`, `The command line`, or a name. */
  readonly by: string;
  /** As it is searched for. */
  readonly actor: string;
  readonly about: string | undefined;
  readonly address: string | undefined;
  readonly requestId: string | undefined;
  readonly hash: string;
  /** JSON with line breaks. */
  readonly facts: string;
  /** Where it is shown in full; for revocations. */
  readonly href: string | undefined;
}

export function toAuditRowView(row: AuditRow, names: AuditNames, receipts: string): AuditRowView {
  const event = readEvent(row);
  return {
    seq: row.seq,
    at: row.at,
    title: auditTitle(row.type),
    sentence: auditSentence(event, names),
    by: actorWords(row.actor),
    actor: row.actor,
    about: row.userId === null ? undefined : names.user(row.userId),
    address: row.address ?? undefined,
    requestId: row.requestId === null || row.requestId === '' ? undefined : row.requestId,
    hash: row.hash,
    facts: JSON.stringify(event, null, 2),
    href: row.type === 'revocation.carried_out' ? `${receipts}/${row.seq}` : undefined,
  };
}

/** The event of a row; an unreadable row is shown as it is. */
export function readEvent({ type, detail }: AuditRow): Readonly<Record<string, unknown>> {
  try {
    const event: unknown = JSON.parse(detail);
    if (typeof event === 'object' && event !== null) return { ...event, type };
  } catch {
    // Said below.
  }
  return { type, text: detail };
}

export function actorWords(actor: string): string {
  if (actor === 'system') return 'The server';
  if (actor === 'cli') return 'The command line';
  return actor === 'anonymous' ? 'Not signed in' : actor;
}

/** A row of the audit log without its place in the chain: exactly the texts that are stored. */
export interface AuditFacts {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: string;
  readonly userId: string | null;
  readonly actor: string;
  readonly address: string | null;
  readonly requestId: string | null;
  /** JSON: the event. */
  readonly detail: string;
}

/** A row in its place: `seq` counts from 1 without a gap, `hash` covers the row and the hash before it. */
export interface AuditRow extends AuditFacts {
  readonly seq: number;
  readonly hash: string;
}

/** The end of the chain, or any place in it: hash is SHA-256 in 64 hexadecimal digits. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** The head that the first row follows. */
export const GENESIS: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/**
 * As both databases give it back, so that the hash of what is stored is the hash of what was meant: Postgres takes no U+0000,
 * and UTF-8 no half of a surrogate pair.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}');
}

import { createHash } from 'node:crypto';
import type { AuditFacts, AuditRow, ChainHead } from '../core/audit-chain.ts';

/**
 * SHA-256 over the hash before it (its 64 digits) and the row's eight fields, in this order: sequence, instant, type, user
 * id, actor, address, request id, detail. Each is written as the number of its UTF-8 bytes, a colon, the bytes and a comma;
 * one that is not there as `-,`. No two rows give the same bytes, and any language can write them. docs/audit.md has it for
 * auditors: it must never change.
 */
export function chainHash(previousHash: string, seq: number, facts: AuditFacts): string {
  const { at, type, userId, actor, address, requestId, detail } = facts;
  const fields = [String(seq), String(at), type, userId, actor, address, requestId, detail];
  return createHash('sha256')
    .update(previousHash + fields.map(toField).join(''))
    .digest('hex');
}

function toField(text: string | null): string {
  return text === null ? '-,' : `${Buffer.byteLength(text)}:${text},`;
}

/** Gives rows their places behind a head. */
export function linkRows(head: ChainHead, facts: readonly AuditFacts[]): readonly AuditRow[] {
  let { seq, hash } = head;
  return facts.map((each) => {
    seq += 1;
    hash = chainHash(hash, seq, each);
    return { ...each, seq, hash };
  });
}

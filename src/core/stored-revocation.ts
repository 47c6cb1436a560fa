import type { Receipt, RevocationScope } from './revocation.ts';

/** A revocation's row, as far as its scope goes; `ordered_at`: ms since the Unix epoch. */
interface ScopeRow {
  readonly scope: string;
  readonly user_id: string | null;
  readonly ordered_at: number;
}

/**
 * Scope of a stored revocation. One that can't be read ends what it could have meant at most: all of its user, or of all
 * users, from before it was stored. So it blocks no other one, and lets nothing live that was to end.
 */
export function readStoredScope({
  scope: text,
  user_id: userId,
  ordered_at: before,
}: ScopeRow): RevocationScope {
  const scope = parse(text);
  if (isScope(scope)) return scope;
  return userId === null ? { kind: 'sweep', before } : { kind: 'stale', userId, before };
}

/** How far a revocation got; undefined before its first step, and where that can't be read: steps may be done twice. */
export function readStoredReceipt(text: string): Receipt | undefined {
  const receipt = parse(text);
  return isReceipt(receipt) ? receipt : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isReceipt = (value: unknown): value is Receipt =>
  isRecord(value) && typeof value['orderId'] === 'string' && Array.isArray(value['lines']);

function isScope(value: unknown): value is RevocationScope {
  if (!isRecord(value)) return false;
  const { kind, userId, sids, throughEpoch, before } = value;
  if (kind === 'sweep') return typeof before === 'number';
  if (typeof userId !== 'string') return false;
  if (kind === 'device') return Array.isArray(sids) && sids.every((sid) => typeof sid === 'string');
  return kind === 'account'
    ? typeof throughEpoch === 'number'
    : kind === 'stale' && typeof before === 'number';
}

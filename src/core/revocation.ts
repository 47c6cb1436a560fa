/** Why something ended. Written into receipts, the audit log and `revoke_reason`; shown to people in words. */
export const REVOCATION_REASONS = [
  'logged_out',
  'logged_out_everywhere',
  'cutoff',
  'idle',
  'ended_by_owner',
  'ended_by_admin',
  'session_limit',
  'password_changed',
  'account_disabled',
  'role_changed',
  'restored',
  'unreadable_session',
] as const;
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

/** Leaves the broker connections that their owner keeps until the cutoff: only a browser went, or is not used. */
export function leavesHeldConnections(reason: RevocationReason): boolean {
  return reason === 'idle' || reason === 'logged_out';
}

/**
 * Scope of a revocation.
 * - `device`: the named sessions of one user, and nothing that their other devices share.
 * - `account`: everything of one user that began in `throughEpoch` or before. What begins afterwards carries a
 *   higher epoch, so a revocation that is carried out late cannot touch it.
 * - `stale`: everything of one user from before a cutoff.
 * - `sweep`: everything of everyone from before a cutoff.
 */
export type RevocationScope =
  | { readonly kind: 'device'; readonly userId: string; readonly sids: readonly string[] }
  | { readonly kind: 'account'; readonly userId: string; readonly throughEpoch: number }
  | { readonly kind: 'stale'; readonly userId: string; readonly before: number }
  | { readonly kind: 'sweep'; readonly before: number };

/** Subject that a revocation is compared with: a session, or an account without one (then `sid` is undefined). */
export interface RevocableSession {
  readonly sid: string | undefined;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly loginTime: number;
}

/** Whether a revocation of the session's user, or of all users, ends this session. */
export function isInScope(scope: RevocationScope, { sid, epoch, loginTime }: RevocableSession): boolean {
  switch (scope.kind) {
    case 'device':
      return sid !== undefined && scope.sids.includes(sid);
    case 'account':
      return epoch <= scope.throughEpoch;
    case 'stale':
    case 'sweep':
      return loginTime < scope.before;
  }
}

export interface Revocation {
  readonly id: string;
  readonly scope: RevocationScope;
  readonly reason: RevocationReason;
  /** Milliseconds since the epoch. */
  readonly orderedAt: number;
}

/** The result of one step, in numbers a person can check. */
export interface RevocationOutcome {
  readonly count: number;
  /** Details: `sandbox access and feed token`, `6 caches`. Never a secret. */
  readonly detail?: string;
}

/**
 * Something that must end with a session. Implementations are idempotent: a revocation may be carried out again
 * after a crash, and then ends what is left and nothing else. They throw when they could not do it.
 */
export interface RevocationTarget {
  /** A fixed word for receipts and the outbox: `broker_tokens`, `sessions`, `caches`, `sockets`. */
  readonly name: string;
  revoke(revocation: Revocation): Promise<RevocationOutcome>;
}

export interface ReceiptLine {
  readonly step: string;
  /** `done`; or `queued`: it failed, is stored, and will be tried until it is done. */
  readonly status: 'done' | 'queued';
  readonly count: number;
  readonly detail?: string;
  readonly ms: number;
}

/** The result of a revocation, step by step. */
export interface Receipt {
  readonly orderId: string;
  readonly reason: RevocationReason;
  readonly scope: RevocationScope['kind'];
  readonly userId: string | undefined;
  readonly orderedAt: number;
  readonly status: 'done' | 'queued';
  readonly lines: readonly ReceiptLine[];
}

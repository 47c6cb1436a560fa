import { type AuditLog, type AuditOrigin, SYSTEM_ORIGIN } from '../core/audit-event.ts';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { backoffMs, createLeasedDrain } from '../core/leased-queue.ts';
import type { Log } from '../core/log.ts';
import type {
  Receipt,
  ReceiptLine,
  Revocation,
  RevocationReason,
  RevocationScope,
  RevocationTarget,
} from '../core/revocation.ts';
import type { Acting } from '../storage/acting.ts';
import type { ChangeInTransaction } from '../storage/change-in-transaction.ts';
import type { StoredRevocation } from './revocation-queue-store.ts';
import type { RevocationStore } from './revocation-store.ts';

export interface RevokerDeps {
  readonly revocations: RevocationStore;
  /** In the order in which they are asked; see docs/architecture.md for why this order. */
  readonly targets: readonly RevocationTarget[];
  /** How many sessions of a user could be used now. */
  readonly countSessions: (userId: string) => Promise<number>;
  /** To give a revocation is an act; to carry it out is the server's business, also where it ends the session that gave it. */
  readonly acting: Pick<Acting, 'asServer'>;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends things, and leaves a receipt of what it ended. Rejects only when not even the revocation could be stored. A receipt says
 * `queued` until it stands in the revocation's row that everything is done: what the row calls open is carried out again, which
 * ends nothing twice.
 */
export interface Revoker {
  /** Everything of one user: tokens, sessions, cached values. */
  revokeAccount(userId: string, reason: RevocationReason, origin: AuditOrigin): Promise<Receipt>;
  /**
   * The same with a change that calls for it (another password, a lesser role), in one transaction; undefined where there
   * was nothing to change. `stored` is called once both are, before the first step.
   */
  revokeAccountWith(
    userId: string,
    reason: RevocationReason,
    origin: AuditOrigin,
    change: ChangeInTransaction,
    stored?: () => Promise<unknown>,
  ): Promise<Receipt | undefined>;
  /** The same for what several nodes may notice; undefined when it was revoked before under this `dedupeKey`. */
  revokeAccountOnce(
    userId: string,
    reason: RevocationReason,
    dedupeKey: string,
  ): Promise<Receipt | undefined>;
  /**
   * Anything less, or more. Undefined when the same revocation (by `dedupeKey`) was given before. When a user's
   * last devices end, the account ends with them: then the receipt is the account's.
   */
  revoke(
    scope: Exclude<RevocationScope, { kind: 'account' }>,
    reason: RevocationReason,
    origin: AuditOrigin,
    dedupeKey?: string,
  ): Promise<Receipt | undefined>;
  /** Goes on with revocations whose steps failed or whose node died; returns how many are done now. */
  retryDue(): Promise<number>;
}

const FIRST_RETRY_MS = 2 * SECOND_MS;
const LONGEST_RETRY_MS = 5 * MINUTE_MS;

export function createRevoker(deps: RevokerDeps): Revoker {
  const { revocations, targets, countSessions, acting, audit, clock, log } = deps;

  async function carryOut(
    { revocation, receipt, attempts }: StoredRevocation,
    origin: AuditOrigin,
  ): Promise<Receipt> {
    const lines: ReceiptLine[] = [];
    for (const target of targets) {
      const before = receipt?.lines.find((line) => line.step === target.name);
      lines.push(before?.status === 'done' ? before : await step(target, revocation, log));
    }
    const stepsDone = lines.every((line) => line.status === 'done');
    // Before this revocation counts as done: a process that dies in between asks the question again.
    const rest = stepsDone ? await openRest(revocation) : undefined;
    const status = stepsDone && rest !== 'unknown' ? 'done' : 'queued';
    const result: Receipt = {
      orderId: revocation.id,
      reason: revocation.reason,
      scope: revocation.scope.kind,
      userId: revocation.scope.kind === 'sweep' ? undefined : revocation.scope.userId,
      orderedAt: revocation.orderedAt,
      status,
      lines,
    };
    const told = await write(result, attempts);
    // A retry that got no further is no news.
    if (receipt === undefined || told.status === 'done') {
      await audit.record({ type: 'revocation.carried_out', receipt: told }, origin);
    }
    if (rest === undefined || rest === 'unknown') return told;
    return carryOut({ revocation: rest, receipt: undefined, attempts: 0 }, origin);
  }

  /** The receipt as its revocation's row now has it: still open where that could not be written. */
  async function write(receipt: Receipt, attempts: number): Promise<Receipt> {
    try {
      await revocations.saveProgress(receipt, attempts + 1, clock.now() + retryDelayMs(attempts));
      return receipt;
    } catch (error) {
      log.error({ err: error, revocation: receipt.orderId }, 'Could not save revocation progress; retrying');
      return { ...receipt, status: 'queued' };
    }
  }

  /** The account's revocation, where the last device was ended. */
  async function openRest({ id, scope, reason }: Revocation): Promise<Revocation | undefined | 'unknown'> {
    if (scope.kind !== 'device') return undefined;
    try {
      if ((await countSessions(scope.userId)) > 0) return undefined;
      return await revocations.openAccount(scope.userId, reason);
    } catch (error) {
      log.error(
        { err: error, revocation: id },
        'Could not tell whether the user has other sessions; retrying',
      );
      return 'unknown';
    }
  }

  const retry = createLeasedDrain({
    outcomes: ['done', 'queued'] as const,
    claimDue: ({ limit }) => revocations.claimDue(limit),
    work: async (stored) => ({ [(await carryOut(stored, SYSTEM_ORIGIN)).status]: 1 }),
    clock,
  });

  return {
    async revokeAccount(userId, reason, origin) {
      const revocation = await revocations.openAccount(userId, reason);
      return acting.asServer(() => carryOut({ revocation, receipt: undefined, attempts: 0 }, origin));
    },

    async revokeAccountWith(userId, reason, origin, change, stored) {
      const revocation = await revocations.openAccountWith(userId, reason, change);
      if (revocation === undefined) return undefined;
      return acting.asServer(async () => {
        await stored?.();
        return carryOut({ revocation, receipt: undefined, attempts: 0 }, origin);
      });
    },

    async revokeAccountOnce(userId, reason, dedupeKey) {
      const revocation = await revocations.openAccountOnce(userId, reason, dedupeKey);
      if (revocation === undefined) return undefined;
      return acting.asServer(() => carryOut({ revocation, receipt: undefined, attempts: 0 }, SYSTEM_ORIGIN));
    },

    async revoke(scope, reason, origin, dedupeKey) {
      const revocation = await revocations.open(scope, reason, dedupeKey);
      if (revocation === undefined) return undefined;
      return acting.asServer(() => carryOut({ revocation, receipt: undefined, attempts: 0 }, origin));
    },

    retryDue: async () => (await retry()).done,
  };
}

async function step(target: RevocationTarget, revocation: Revocation, log: Log): Promise<ReceiptLine> {
  const startedAt = performance.now();
  const ms = (): number => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const outcome = await target.revoke(revocation);
    return { step: target.name, status: 'done', ...outcome, ms: ms() };
  } catch (error) {
    log.error(
      { err: error, revocation: revocation.id, step: target.name },
      'A revocation step failed; it is stored and will be tried again',
    );
    return { step: target.name, status: 'queued', count: 0, ms: ms() };
  }
}

function retryDelayMs(attempts: number): number {
  return backoffMs({ failures: attempts + 1, firstMs: FIRST_RETRY_MS, longestMs: LONGEST_RETRY_MS });
}

import { createAuditChainStore } from '../../audit/audit-chain-store.ts';
import { createAuditLog } from '../../audit/audit-store.ts';
import type { ChainHead } from '../../core/audit-chain.ts';
import type { CarriedOver } from '../../core/audit-event.ts';
import type { Receipt } from '../../core/revocation.ts';
import { createRevocationStore } from '../../revocation/revocation-store.ts';
import { sealCopy } from '../../storage/backup-seal-store.ts';
import type { Database } from '../../storage/database.ts';
import {
  carryOver,
  type PresentState,
  raiseEpochs,
  revokeAllApiKeys,
} from '../../storage/restore-merge-store.ts';
import { CLI_ORIGIN } from '../cli-origin.ts';
import type { CommandContext } from '../command.ts';
import { createErrorLog } from '../error-log.ts';
import { explainError } from '../explain-error.ts';
import { withServices } from '../with-services.ts';

export interface Restoration {
  /** The file's name and digest; undefined where pg_restore has read it. */
  readonly file: string | undefined;
  readonly sha256: string | undefined;
  /** The database that is replaced, as far as it could be read. */
  readonly present: PresentState | undefined;
  readonly oldHead: ChainHead | undefined;
  /** The operator vouches for the API keys in the copy. */
  readonly keepApiKeys: boolean;
}

export interface EndedRestoration {
  readonly carriedOver: CarriedOver | undefined;
  /** Names of API keys that were revoked because nothing could tell whether they had been. */
  readonly revokedKeys: readonly string[];
  /** The revocation that ends all sessions and tokens: sessions in Redis outlive any file. */
  readonly orderId: string | undefined;
}

/**
 * Makes of a database that was put back one in which nothing lives: no session, no token, no right that was
 * revoked since. The audit log says so, behind the rows that came back.
 */
export async function endRestored(
  { terminal, clock }: CommandContext,
  database: Database,
  { file, sha256, present, oldHead, keepApiKeys }: Restoration,
): Promise<EndedRestoration> {
  const chain = createAuditChainStore(database);
  const { head: newHead } = await chain.state();
  await sealCopy(database, clock.now());
  const carriedOver = present && (await carryOver(database, present));
  const revokedKeys =
    present !== undefined || keepApiKeys ? [] : await revokeAllApiKeys(database, clock.now());
  await raiseEpochs(database, present?.epochs ?? []);
  const revocations = createRevocationStore(database, clock);
  const revocation = await revocations.open({ kind: 'sweep', before: clock.now() + 1 }, 'restored');
  const audit = createAuditLog({ chain, clock, log: createErrorLog(terminal.say) });
  await audit.record(
    { type: 'backup.restored', file, sha256, oldHead, newHead, carriedOver, revokedKeys },
    CLI_ORIGIN,
  );
  return { carriedOver, revokedKeys, orderId: revocation?.id };
}

/**
 * Ends what lives on in Redis and in the memory of servers. Undefined, with a word about it, where that cannot be done now:
 * the revocation is stored, and a server that starts carries it out before it answers a request.
 */
export async function carryOutRevocation(
  context: CommandContext,
  orderId: string | undefined,
): Promise<Receipt | undefined> {
  if (orderId === undefined) return undefined;
  try {
    return await withServices(context, async ({ revocation: { revocations, revoker } }) => {
      await revocations.releaseFromDeadHolders();
      await revoker.retryDue();
      return revocations.receiptOf(orderId);
    });
  } catch (error) {
    context.terminal.say(
      `curfew: What lives on outside the database could not be ended now: ${explainError(error)} The revocation is stored; the server carries it out when it starts, before it answers anybody.`,
    );
    return undefined;
  }
}

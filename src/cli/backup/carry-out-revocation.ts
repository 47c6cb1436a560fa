import type { Receipt } from '../../core/revocation.ts';
import type { CommandContext } from '../command.ts';
import { explainError } from '../explain-error.ts';
import { withServices } from '../with-services.ts';

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

import type { Services } from '../compose.ts';
import type { AuditOrigin } from '../core/audit-event.ts';
import type { Receipt } from '../core/revocation.ts';
import { countOf } from './receipt.ts';

/** Totals of a revocation of all users. */
export interface Totals {
  readonly people: number;
  readonly sessions: number;
  readonly brokerTokens: number;
  /** `queued` when a step of any of them failed and will be tried again. */
  readonly status: Receipt['status'];
}

/** The ids of all users with a session that could be used now, or an open broker connection. */
export async function findEverybody({ registry, brokers }: Services): Promise<ReadonlySet<string>> {
  const userIds = new Set<string>();
  for await (const sessions of registry.listAll()) for (const { userId } of sessions) userIds.add(userId);
  for await (const owners of brokers.openTokens.listOwnersOfOpen())
    for (const userId of owners) userIds.add(userId);
  return userIds;
}

/**
 * Ends each account by a revocation of its own. Then looks again, until no new one is found: a list that is read while
 * sessions end beside it can have holes, and a user in one must not stay signed in.
 */
export async function endEverybody(
  services: Services,
  origin: AuditOrigin,
  showProgress: (text: string) => void,
): Promise<Totals> {
  const receipts = { people: 0, sessions: 0, brokerTokens: 0, status: 'done' as Receipt['status'] };
  const ended = new Set<string>();
  for (;;) {
    const left = [...(await findEverybody(services))].filter((userId) => !ended.has(userId));
    if (left.length === 0) return receipts;
    const total = ended.size + left.length;
    for (const userId of left) {
      showProgress(`Ending ${ended.size + 1} of ${total} …`);
      const receipt = await services.sessions.lifecycle.endAccount(userId, 'ended_by_admin', origin);
      ended.add(userId);
      receipts.people += 1;
      receipts.sessions += countOf(receipt, 'sessions');
      receipts.brokerTokens += countOf(receipt, 'broker_tokens');
      if (receipt.status === 'queued') receipts.status = 'queued';
    }
  }
}

import { type RequestHandler, Router } from 'express';
import { REVOCATION_TITLES } from '../core/receipt-labels.ts';
import type { Receipt } from '../core/revocation.ts';
import { methods } from '../http/methods.ts';
import { renderPage } from '../http/page.ts';
import type { RoutePolicy } from '../http/route-policy.ts';
import type { PendingRevocation, PendingRevocationStore } from '../revocation/pending-revocation-store.ts';

const PENDING_REVOCATIONS = '/security/revocations';

export const PENDING_REVOCATION_ROUTES: readonly RoutePolicy[] = [
  { path: PENDING_REVOCATIONS, role: 'admin' },
];

const SHOWN_AT_MOST = 100;

/** For administrators: revocations that were asked for and are not carried out in full. */
export function createPendingRevocationsRouter(pendingRevocations: PendingRevocationStore): Router {
  const router = Router({ caseSensitive: true });
  methods(router, PENDING_REVOCATIONS, { get: createPage(pendingRevocations) });
  return router;
}

function createPage(pendingRevocations: PendingRevocationStore): RequestHandler {
  return async function showWaiting(req, res) {
    const { waiting } = await pendingRevocations.summary();
    const orders = waiting === 0 ? [] : await pendingRevocations.list(SHOWN_AT_MOST);
    renderPage(req, res, 'admin/pending-revocations', {
      title: 'Pending revocations',
      orders: orders.map(toView),
      more: Math.max(0, waiting - orders.length),
    });
  };
}

function toView({ username, reason, orderedAt, attempts, nextAttemptAt, receipt }: PendingRevocation) {
  return {
    who: username ?? (reason === 'cutoff' ? 'All people' : 'A deleted account'),
    what: REVOCATION_TITLES[reason],
    orderedAt,
    missing: missingOf(receipt),
    tried: attempts === 0 ? 'Not yet' : attempts === 1 ? 'Once' : `${attempts} times`,
    nextAttemptAt,
  };
}

/** In words what is still to be done. */
function missingOf(receipt: Receipt | undefined): string {
  if (receipt === undefined) return 'Everything: the server that began it has stopped';
  const queued = receipt.lines.filter((line) => line.status === 'queued');
  if (queued.length === 0) return 'A last check for sessions that are left';
  return queued.map(({ step }) => STEPS[step] ?? step.replaceAll('_', ' ')).join(', ');
}

const STEPS: Readonly<Record<string, string>> = {
  broker_tokens: 'Broker tokens',
  sessions: 'Sessions',
  caches: 'Cached values',
  sockets: 'Live connections',
};

import type { RequestHandler } from 'express';
import { REVOCATION_TITLES } from '../core/receipt-words.ts';
import type { Receipt } from '../core/revocation.ts';
import { renderPage } from '../http/page.ts';
import type { WaitingOrder, WaitingOrderStore } from '../sessions/waiting-order-store.ts';

export const WAITING_PAGE_PATH = '/security/revocations';

const SHOWN_AT_MOST = 100;

/** For administrators: the revocations that were asked for and are not carried out in full. */
export function createWaitingPage(waitingOrders: WaitingOrderStore): RequestHandler {
  return async function showWaiting(req, res) {
    const { waiting } = await waitingOrders.summary();
    const orders = waiting === 0 ? [] : await waitingOrders.list(SHOWN_AT_MOST);
    renderPage(req, res, 'dashboard/waiting', {
      title: 'Revocations that wait',
      orders: orders.map(toView),
      more: Math.max(0, waiting - orders.length),
    });
  };
}

function toView({ username, reason, orderedAt, attempts, nextAttemptAt, receipt }: WaitingOrder) {
  return {
    who: username ?? (reason === 'cutoff' ? 'Everybody' : 'Somebody who is gone'),
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
  if (queued.length === 0) return 'A last look at whether anybody is still signed in';
  return queued.map(({ step }) => STEPS[step] ?? step.replaceAll('_', ' ')).join(', ');
}

const STEPS: Readonly<Record<string, string>> = {
  broker_tokens: 'Broker tokens',
  sessions: 'Sessions',
  caches: 'Cached values',
};

import { describe, expect, it } from 'vitest';
import { toReceiptView } from '../../src/core/receipt-view.ts';
import type { Receipt } from '../../src/core/revocation.ts';

function receipt(scope: Receipt['scope'], userId: string | undefined): Receipt {
  return {
    orderId: 'order',
    reason: 'cutoff',
    scope,
    userId,
    orderedAt: 0,
    status: 'done',
    lines: [{ step: 'sessions', status: 'done', count: 4711, detail: '99 people', ms: 1 }],
  };
}

describe('a receipt on the dashboard', () => {
  it('of everybody’s cutoff tells a person what happened, and not to how many others', () => {
    const view = toReceiptView(receipt('sweep', undefined), { viewer: 'user' });
    expect(view.lines).toEqual([{ text: 'Sessions ended in the store', status: 'done' }]);
  });

  it('of everybody’s cutoff tells an administrator the numbers', () => {
    const view = toReceiptView(receipt('sweep', undefined), { viewer: 'admin' });
    expect(view.lines).toMatchObject([{ count: 4711, detail: '99 people' }]);
  });

  it.each(['device', 'account', 'stale'] as const)('of one’s own %s tells the numbers', (scope) => {
    expect(toReceiptView(receipt(scope, 'asha'), { viewer: 'user' }).lines).toMatchObject([
      { count: 4711, detail: '99 people' },
    ]);
  });
});

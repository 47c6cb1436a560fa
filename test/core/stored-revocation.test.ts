import { describe, expect, it } from 'vitest';
import { readStoredReceipt, readStoredScope } from '../../src/core/stored-revocation.ts';

describe('the stored scope of a revocation', () => {
  const row = (scope: unknown, userId: string | null = 'asha') => ({
    scope: typeof scope === 'string' ? scope : JSON.stringify(scope),
    user_id: userId,
    ordered_at: 1000,
  });

  it.each([
    { kind: 'device', userId: 'asha', sids: ['s.1'] },
    { kind: 'account', userId: 'asha', throughEpoch: 3 },
    { kind: 'stale', userId: 'asha', before: 7 },
    { kind: 'sweep', before: 7 },
  ])('is what was stored: %j', (scope) => {
    expect(readStoredScope(row(scope))).toEqual(scope);
  });

  it.each([
    '',
    'half a {',
    'null',
    '{}',
    '{"kind":"device","userId":"asha","sids":[1]}',
    '{"kind":"account","userId":"asha"}',
  ])('that can’t be read is all from before it was stored: %s', (text) => {
    expect(readStoredScope(row(text))).toEqual({ kind: 'stale', userId: 'asha', before: 1000 });
    expect(readStoredScope(row(text, null))).toEqual({ kind: 'sweep', before: 1000 });
  });
});

describe('the stored receipt of a revocation', () => {
  it.each(['', 'half a {', 'null', '[]', '{"orderId":"a"}'])('is none where it can’t be read: %j', (text) => {
    expect(readStoredReceipt(text)).toBeUndefined();
  });

  it('is what was stored', () => {
    const receipt = { orderId: 'a', lines: [] };
    expect(readStoredReceipt(JSON.stringify(receipt))).toEqual(receipt);
  });
});

import { describe, expect, it } from 'vitest';
import { nextAddressChange, whyNotUsable } from '../../src/api/api-key.ts';
import { readScopes } from '../../src/api/api-scope.ts';
import { DAY_MS } from '../../src/core/duration.ts';

const WEEK_MS = 7 * DAY_MS;

describe('a stored key', () => {
  const good = { secretHash: 'hash', ownerDisabled: false, expiresAt: undefined };

  it('is usable while nothing speaks against it', () => {
    expect(whyNotUsable(good, 1000)).toBeUndefined();
  });

  it('expires at its instant, not after it', () => {
    expect(whyNotUsable({ ...good, expiresAt: 1000 }, 999)).toBeUndefined();
    expect(whyNotUsable({ ...good, expiresAt: 1000 }, 1000)).toBe('expired');
    expect(whyNotUsable({ ...good, expiresAt: 1000 }, 1001)).toBe('expired');
  });

  it('is revoked without a hash, and useless with a disabled owner', () => {
    expect(whyNotUsable({ ...good, secretHash: undefined }, 0)).toBe('revoked');
    expect(whyNotUsable({ ...good, ownerDisabled: true }, 0)).toBe('owner_disabled');
  });

  it('has the scopes that this version knows, whatever a later one has written', () => {
    expect(readScopes('symbols:read orders:write session:read')).toEqual(['session:read', 'symbols:read']);
    expect(readScopes('')).toEqual([]);
  });
});

describe('the addresses of a key', () => {
  it('may be changed at once where they never were, and a week after they were', () => {
    expect(nextAddressChange({ addressesChangedAt: undefined }, 0)).toBeUndefined();
    expect(nextAddressChange({ addressesChangedAt: 5 }, 5)).toBe(5 + WEEK_MS);
    expect(nextAddressChange({ addressesChangedAt: 5 }, 5 + WEEK_MS - 1)).toBe(5 + WEEK_MS);
    expect(nextAddressChange({ addressesChangedAt: 5 }, 5 + WEEK_MS)).toBeUndefined();
  });
});

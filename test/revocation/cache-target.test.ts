import { beforeEach, describe, expect, it } from 'vitest';
import type { CachedSymbol, CachedToken } from '../../src/core/cached-values.ts';
import { createCutoffCalendar } from '../../src/core/cutoff.ts';
import type { RevocationScope } from '../../src/core/revocation.ts';
import { DEFAULT_SETTINGS } from '../../src/core/user-settings.ts';
import { createCacheTarget, listenForCacheClearing } from '../../src/revocation/cache-target.ts';
import type { Bus, BusMessage } from '../../src/storage/bus.ts';
import { type Caches, createCaches, SHARED } from '../../src/storage/caches.ts';
import { createSettableClock } from '../support/settable-clock.ts';

const SYMBOL: CachedSymbol = { instruments: [] };
const TOKEN: CachedToken = { token: 't', epoch: 0, issuedAt: 0, expiresAt: 0 };

describe('the caches, at a revocation', () => {
  let caches: Caches;
  let published: BusMessage[];
  let hear: (message: BusMessage) => void;
  let missSomething: () => void;
  let bus: Bus;

  beforeEach(() => {
    const clock = createSettableClock('2026-11-23T10:00:00+05:30');
    caches = createCaches({ clock, calendar: createCutoffCalendar({ clock, cutoffTime: () => 'off' }) });
    published = [];
    bus = {
      publish: (message) => Promise.resolve(void published.push(message)),
      onMessage: (listener) => {
        hear = listener;
      },
      onGap: (listener) => {
        missSomething = listener;
      },
      close: () => Promise.resolve(),
    };
    for (const userId of ['asha', 'ravi']) caches.of.auth.set(userId, 'sandbox', TOKEN);
    listenForCacheClearing(caches, bus);
  });

  const revoke = (scope: RevocationScope) =>
    createCacheTarget(caches, bus).revoke({ id: '1', scope, reason: 'logged_out', orderedAt: 0 });

  it.each<[RevocationScope, keepShared: boolean]>([
    [{ kind: 'device', userId: 'asha', sids: ['one'] }, true],
    [{ kind: 'account', userId: 'asha', throughEpoch: 0 }, false],
    [{ kind: 'stale', userId: 'asha', before: 1 }, true],
  ])('lose what is one person’s, here and everywhere: %o', async (scope, keepShared) => {
    const outcome = await revoke(scope);
    expect(outcome).toEqual({
      count: 1,
      detail: 'auth 1, feed 0, symbol 0, settings 0, strategy 0, telegram 0',
    });
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
    expect(caches.of.auth.get('ravi', 'sandbox')).toEqual(TOKEN);
    expect(published).toEqual([{ kind: 'caches.clear_user', userId: 'asha', keepShared }]);
  });

  it('that all share are emptied once for a cutoff, and not for each person who comes after it', async () => {
    caches.of.symbol.set(SHARED, 'NSE:INFY', SYMBOL);
    for (const userId of ['asha', 'ravi']) await revoke({ kind: 'stale', userId, before: 1 });
    hear({ kind: 'caches.clear_user', userId: 'asha', keepShared: true });
    expect(caches.sizes()).toMatchObject({ auth: 0, symbol: 1 });
    await revoke({ kind: 'sweep', before: 1 });
    expect(caches.sizes().symbol).toBe(0);
  });

  it('lose everything at a sweep, here and everywhere', async () => {
    expect((await revoke({ kind: 'sweep', before: 1 })).count).toBe(2);
    expect(caches.sizes().auth).toBe(0);
    expect(published).toEqual([{ kind: 'caches.clear_all' }]);
  });

  it('are not said to be cleared where the other nodes could not be told; here they are', async () => {
    bus.publish = () => Promise.reject(new Error('down'));
    await expect(revoke({ kind: 'account', userId: 'asha', throughEpoch: 0 })).rejects.toThrow('down');
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
  });

  it('lose here what another node asks for', () => {
    hear({ kind: 'caches.clear_user', userId: 'asha' });
    expect(caches.sizes().auth).toBe(1);
    hear({ kind: 'caches.clear_all' });
    expect(caches.sizes().auth).toBe(0);
    expect(published).toEqual([]);
  });

  it('lose no more than the tokens where another node has changed a connection', () => {
    const settings = { ...DEFAULT_SETTINGS, theme: 'dark' } as const;
    caches.of.settings.set('asha', 'all', settings);
    hear({ kind: 'caches.clear_tokens', userId: 'asha' });
    expect(caches.of.auth.get('asha', 'sandbox')).toBeUndefined();
    expect(caches.of.auth.get('ravi', 'sandbox')).toEqual(TOKEN);
    expect(caches.of.settings.get('asha', 'all')).toEqual(settings);
  });

  it('lose everything where something may have been missed', () => {
    missSomething();
    expect(caches.sizes().auth).toBe(0);
  });
});

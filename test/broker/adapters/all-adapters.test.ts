import { describe, expect, it } from 'vitest';
import { createAdapters } from '../../../src/broker/adapters/all-adapters.ts';
import { createBrokerAdapters } from '../../../src/broker/broker-adapter.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';

const create = (sandbox: boolean) =>
  createAdapters({
    clock: createSettableClock(MORNING),
    publicOrigin: 'https://curfew.example',
    internalOrigin: () => 'http://127.0.0.1:1',
    sandbox,
  });

describe('The list of brokers', () => {
  it('has the practice broker first, where it is there', () => {
    expect(create(true).map(({ id }) => id)).toEqual(['sandbox', 'zerodha', 'upstox', 'fyers', 'dhan']);
    expect(create(false).map(({ id }) => id)).toEqual(['zerodha', 'upstox', 'fyers', 'dhan']);
  });

  it('holds each id once', () => {
    expect(createBrokerAdapters(create(true)).size).toBe(5);
  });

  it('leads to the published addresses, over https alone', () => {
    expect(create(false).flatMap(({ authorizationOrigins }) => authorizationOrigins)).toEqual([
      'https://kite.zerodha.com',
      'https://api.upstox.com',
      'https://*.upstox.com',
      'https://api-t1.fyers.in',
      'https://*.fyers.in',
      'https://auth.dhan.co',
      'https://*.dhan.co',
    ]);
  });

  it('reminds of a registered address with every real broker (NSE/INVG/67858)', () => {
    for (const { id, needsStaticAddress } of create(true))
      expect(needsStaticAddress, id).toBe(id !== 'sandbox');
  });

  it('knows who has no logout for apps', () => {
    const without = create(true).filter((adapter) => adapter.revoke === undefined);
    expect(without.map(({ id }) => id)).toEqual(['dhan']);
  });
});

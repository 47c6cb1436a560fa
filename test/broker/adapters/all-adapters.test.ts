import { describe, expect, it } from 'vitest';
import { type AllAdaptersDeps, createAdapters } from '../../../src/broker/adapters/all-adapters.ts';
import { createSettableClock } from '../../support/settable-clock.ts';
import { MORNING } from '../broker-world.ts';
import { TRIALS } from './broker-trials.ts';

const create = (options: Pick<AllAdaptersDeps, 'sandbox' | 'endpoints'>) =>
  createAdapters({
    clock: createSettableClock(MORNING),
    publicOrigin: 'https://curfew.example',
    internalOrigin: () => 'http://127.0.0.1:1',
    ...options,
  });

describe('The list of brokers', () => {
  it('offers no broker that the contract test leaves out, and none twice', () => {
    const ids = create({ sandbox: true }).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(Object.keys(TRIALS).toSorted());
  });

  it('has the practice broker first where it is on, and never where it is off', () => {
    expect(create({ sandbox: true })[0]?.id).toBe('sandbox');
    expect(create({ sandbox: false }).map(({ id }) => id)).not.toContain('sandbox');
  });

  // Dhan is asked over the network first: test/broker/adapters/dhan.test.ts.
  it.each(['zerodha', 'upstox', 'fyers'])(
    'sends people over https to where the CSP lets them go: %s',
    async (id) => {
      const adapter = create({ sandbox: false }).find((each) => each.id === id);
      const result = await adapter?.startAuthorization({
        credentials: { apiKey: 'k', apiSecret: 's', appId: 'a', secretId: 's' },
        state: 'state',
        redirectUri: 'https://curfew.example/callback',
        codeChallenge: 'challenge',
      });
      if (result?.kind !== 'redirect') throw new Error(`no way to ${id}`);
      expect(result.url.protocol).toBe('https:');
      expect(adapter?.authorizationOrigins).toContain(result.url.origin);
    },
  );

  it('names https origins alone for the CSP', () => {
    for (const { authorizationOrigins } of create({ sandbox: false }))
      for (const origin of authorizationOrigins) expect(origin).toMatch(/^https:\/\/[^/]+$/);
  });

  it('puts a test server in the place of one broker and leaves the others alone', () => {
    const at = { login: 'http://127.0.0.1:9/login', api: 'http://127.0.0.1:9' };
    const published = create({ sandbox: false });
    const changed = create({ sandbox: false, endpoints: { upstox: at } });
    for (const [index, { id, authorizationOrigins }] of changed.entries())
      expect(authorizationOrigins, id).toEqual(
        id === 'upstox' ? ['http://127.0.0.1:9'] : published[index]?.authorizationOrigins,
      );
  });

  it('reminds of a registered address with every real broker (NSE/INVG/67858)', () => {
    for (const { id, needsStaticAddress } of create({ sandbox: true }))
      expect(needsStaticAddress, id).toBe(id !== 'sandbox');
  });
});

import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CachedStrategy } from '../../src/core/cached-values.ts';
import { checkSender, type Delivery } from '../../src/strategies/sender-check.ts';
import { generateSigningSecret } from '../../src/strategies/signature.ts';
import { TRADINGVIEW_ADDRESSES } from '../../src/strategies/tradingview-addresses.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');
const SECRET = 'cws_a-secret-for-tests';
const BODY = Buffer.from('{"action":"buy"}');

function strategy(asks: Partial<CachedStrategy>): CachedStrategy {
  return {
    id: '1',
    userId: 'asha',
    name: 'one',
    broker: 'sandbox',
    version: 1,
    symbols: [],
    days: [],
    opensAt: 0,
    closesAt: 1,
    signingSecret: undefined,
    allowedAddresses: [],
    ...asks,
  };
}

function sign(at: number, { secret = SECRET, body = BODY, signedAt = at } = {}): Partial<Delivery> {
  const timestamp = String(Math.floor(at / 1000));
  const signed = createHmac('sha256', secret)
    .update(`${Math.floor(signedAt / 1000)}.`)
    .update(body);
  return { timestamp, signature: signed.digest('hex') };
}

const deliver = (parts: Partial<Delivery> = {}): Delivery => ({
  address: '203.0.113.7',
  timestamp: undefined,
  signature: undefined,
  body: BODY,
  ...parts,
});

describe('The sender of a signal', () => {
  it('may be anybody where the strategy asks for nothing', () => {
    expect(checkSender(strategy({}), deliver(), NOW)).toEqual({ kind: 'good', messageDigest: undefined });
  });

  it('must have an address on the list, or in a block on it', () => {
    const listed = strategy({ allowedAddresses: [...TRADINGVIEW_ADDRESSES, '203.0.113.0/28'] });
    for (const address of [...TRADINGVIEW_ADDRESSES, '203.0.113.0', '203.0.113.15'])
      expect(checkSender(listed, deliver({ address }), NOW).kind).toBe('good');
    for (const address of ['203.0.113.16', '127.0.0.1', 'unknown', ''])
      expect(checkSender(listed, deliver({ address }), NOW).kind).toBe('bad_address');
  });

  describe('of a strategy with a signing secret', () => {
    const signed = strategy({ signingSecret: SECRET });
    const check = (parts: Partial<Delivery>, now = NOW) => checkSender(signed, deliver(parts), now);

    it('signs the time and the body', () => {
      const good = sign(NOW);
      expect(check(good)).toMatchObject({ kind: 'good', messageDigest: expect.any(String) });
      expect(check({ ...good, signature: `sha256=${good.signature?.toUpperCase()}` }).kind).toBe('good');
    });

    it.each<[string, Partial<Delivery>]>([
      ['nothing', {}],
      ['a signature without a time', { signature: sign(NOW).signature }],
      ['a time without a signature', { timestamp: sign(NOW).timestamp }],
      ['another body', { ...sign(NOW), body: Buffer.from('{"action":"sell"}') }],
      ['another time', sign(NOW, { signedAt: NOW - 1000 })],
      ['another secret', sign(NOW, { secret: 'cws_another' })],
      ['no secret at all', sign(NOW, { secret: '' })],
      ['half of it', { ...sign(NOW), signature: sign(NOW).signature?.slice(0, 32) }],
      ['something else', { timestamp: '0x10', signature: 'x'.repeat(64) }],
    ])('is nobody with %s', (_name, parts) => {
      expect(check(parts)).toEqual({ kind: 'bad_signature' });
    });

    it('has five minutes to either side, and not a second more', () => {
      const FIVE_MINUTES = 300_000;
      expect(check(sign(NOW), NOW + FIVE_MINUTES).kind).toBe('good');
      expect(check(sign(NOW), NOW + FIVE_MINUTES + 1).kind).toBe('stale_signature');
      expect(check(sign(NOW), NOW - FIVE_MINUTES).kind).toBe('good');
      expect(check(sign(NOW), NOW - FIVE_MINUTES - 1).kind).toBe('stale_signature');
    });

    it('is known by a digest that only a copy shares', () => {
      const digestOf = (parts: Partial<Delivery>) => {
        const verdict = check(parts);
        return verdict.kind === 'good' ? verdict.messageDigest : 'not good';
      };
      expect(digestOf(sign(NOW))).toBe(digestOf(sign(NOW)));
      expect(digestOf(sign(NOW))).not.toBe(digestOf(sign(NOW + 1000)));
    });

    it('is nobody while the secret cannot be read', () => {
      const unreadable = strategy({ signingSecret: '' });
      expect(checkSender(unreadable, deliver(sign(NOW, { secret: '' })), NOW).kind).toBe('bad_signature');
    });

    it('must be at the right address as well', () => {
      const both = strategy({ signingSecret: SECRET, allowedAddresses: ['198.51.100.1'] });
      expect(checkSender(both, deliver(sign(NOW)), NOW).kind).toBe('bad_address');
      expect(checkSender(both, deliver({ address: '198.51.100.1' }), NOW).kind).toBe('bad_signature');
    });
  });

  it('gets a secret of 256 bits, new each time', () => {
    const secrets = new Set(Array.from({ length: 20 }, generateSigningSecret));
    expect(secrets.size).toBe(20);
    for (const secret of secrets) expect(secret).toMatch(/^cws_[A-Za-z0-9_-]{43}$/);
  });
});

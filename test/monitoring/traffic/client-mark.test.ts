import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type AddressDetail,
  createClientMark,
  isFullAddress,
} from '../../../src/monitoring/traffic/client-mark.ts';

const SECRET = 'a591a6d40bf420404a011733cfb7b190d62c65bf';
const markOf = (detail: AddressDetail, secret = SECRET) =>
  createClientMark({ detail, secrets: [secret, 'older'] });

describe('What the traffic log keeps of an address', () => {
  it.each<[AddressDetail, string, string | null]>([
    ['full', '203.0.113.77', '203.0.113.77'],
    ['full', '2001:db8:1:2::5', '2001:db8:1:2::5'],
    ['truncated', '203.0.113.77', '203.0.113.0/24'],
    ['truncated', '2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['truncated', '::1', '::/48'],
    ['truncated', 'fe80::1%eth0', 'fe80::/48'],
    ['truncated', 'unknown', 'unknown'],
    ['off', '203.0.113.77', null],
  ])('with %s, of %s, is %j', (detail, address, kept) => {
    expect(markOf(detail).of(address)).toBe(kept);
  });

  it('hashed, is the same for the same client, of IPv6 for the same /64, and another for everybody else', () => {
    const { of } = markOf('hashed');
    expect(of('203.0.113.77')).toMatch(/^h:[0-9a-f]{16}$/);
    expect(of('203.0.113.77')).toBe(of('203.0.113.77'));
    expect(of('203.0.113.78')).not.toBe(of('203.0.113.77'));
    expect(of('2001:db8:1:2:3:4:5:6')).toBe(of('2001:db8:1:2::9'));
    expect(of('2001:db8:1:3::9')).not.toBe(of('2001:db8:1:2::9'));
  });

  it('hashed, cannot be found by trying all addresses without the secret', () => {
    const kept = markOf('hashed').of('203.0.113.77') ?? '';
    expect(kept).not.toContain(createHash('sha256').update('203.0.113.77').digest('hex').slice(0, 16));
    expect(markOf('hashed', 'b591a6d40bf420404a011733cfb7b190d62c65bf').of('203.0.113.77')).not.toBe(kept);
    expect(() => createClientMark({ detail: 'hashed', secrets: [] })).toThrow(RangeError);
  });

  it('is found by the address, and by itself', () => {
    expect(markOf('truncated').lookUp('203.0.113.200')).toBe('203.0.113.0/24');
    expect(markOf('truncated').lookUp('::ffff:203.0.113.200')).toBe('203.0.113.0/24');
    expect(markOf('hashed').lookUp('203.0.113.77')).toBe(markOf('hashed').of('203.0.113.77'));
    // Rows from before the setting was changed.
    expect(markOf('full').lookUp('203.0.113.77/32')).toBe('203.0.113.77');
    expect(markOf('full').lookUp('203.0.113.0/24')).toBe('203.0.113.0/24');
    expect(markOf('full').lookUp('h:0123456789abcdef')).toBe('h:0123456789abcdef');
    expect(markOf('off').lookUp('203.0.113.77')).toBeUndefined();
    for (const text of ['nowhere', '203.0.113', '203.0.113.0/99', "h:' or 1=1"])
      expect(markOf('full').lookUp(text), text).toBeUndefined();
  });

  it('can be banned only where it is whole', () => {
    expect(isFullAddress('203.0.113.77')).toBe(true);
    expect(isFullAddress('2001:db8::1')).toBe(true);
    for (const kept of ['203.0.113.0/24', '2001:db8::/48', 'h:0123456789abcdef', 'unknown', null])
      expect(isFullAddress(kept)).toBe(false);
  });
});

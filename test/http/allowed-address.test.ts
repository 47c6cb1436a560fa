import { describe, expect, it } from 'vitest';
import { isAllowedAddress, readAllowedAddress } from '../../src/http/allowed-address.ts';

describe('an address that a person enters into a list', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['203.0.113.77/28', '203.0.113.64/28'],
    ['203.0.113.7/32', '203.0.113.7'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['2001:db8::1/48', '2001:db8::/48'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['::ffff:203.0.113.77/124', '203.0.113.64/28'],
  ])('%j is kept as %j', (text, kept) => {
    expect(readAllowedAddress(text)).toBe(kept);
  });

  it.each([
    '',
    'localhost',
    '1',
    '127.1',
    '0x7f.0.0.1',
    '203.0.113.7:80',
    '203.0.113.0/0',
    '0.0.0.0/0',
    '10.0.0.0/7',
    '::/0',
    '2001:db8::/31',
    '::ffff:0.0.0.0/96',
    '203.0.113.0/33',
    '203.0.113.0/-1',
    '203.0.113.0/8/8',
    '203.0.113.0/',
    '/8',
    'fe80::1%eth0',
    '<script>',
  ])('%j is no address, or is everybody', (text) => {
    expect(readAllowedAddress(text)).toBeUndefined();
  });
});

describe('a list of allowed addresses', () => {
  it('lets in those whom it names, to the last address of a block', () => {
    const list = ['203.0.113.64/28', '2001:db8::/48', '198.51.100.1'];
    for (const inside of ['203.0.113.64', '203.0.113.79', '2001:db8:0:ffff::1', '198.51.100.1'])
      expect(isAllowedAddress(list, inside)).toBe(true);
    for (const outside of ['203.0.113.63', '203.0.113.80', '2001:db8:1::1', '198.51.100.2'])
      expect(isAllowedAddress(list, outside)).toBe(false);
  });

  it('lets in nobody by default, and nothing that is no address', () => {
    expect(isAllowedAddress([], '203.0.113.7')).toBe(false);
    expect(isAllowedAddress(['203.0.113.0/24'], 'unknown')).toBe(false);
  });
});

import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { readBanSubject } from '../../src/bans/ban-subject.ts';
import { parseGateways, readGateways } from '../../src/bans/network-gateway.ts';
import { createProtectedAddresses } from '../../src/bans/protected-addresses.ts';
import { systemClock } from '../../src/core/clock.ts';

describe('an address that cannot be banned', () => {
  const { whyProtected } = createProtectedAddresses({
    trustProxy: ['192.0.2.0/24', '2001:db8:aaaa::7', '::ffff:198.51.100.4'],
    clock: systemClock,
  });

  test('is the machine itself', () => {
    for (const subject of ['127.0.0.1', '127.9.9.9', '::/64', '0.0.0.0'])
      expect(whyProtected(subject)).toBe('loopback');
    expect(whyProtected(readBanSubject('::1') ?? '')).toBe('loopback');
  });

  test('is a trusted proxy, alone or in a block, and the /64 around one', () => {
    expect(whyProtected('192.0.2.77')).toBe('proxy');
    expect(whyProtected('198.51.100.4')).toBe('proxy');
    expect(whyProtected('2001:db8:aaaa::/64')).toBe('proxy');
    expect(whyProtected('192.0.3.1')).toBeUndefined();
    expect(whyProtected('2001:db8:aaaa:1::/64')).toBeUndefined();
  });

  test('is each of the server’s own', () => {
    const own = Object.values(networkInterfaces()).flatMap((each) =>
      (each ?? []).map(({ address }) => address),
    );
    for (const address of own) expect(whyProtected(readBanSubject(address) ?? '')).toBeDefined();
  });

  test('is the gateway of its network', () => {
    const table = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      '',
    ].join('\n');
    expect(parseGateways(table)).toEqual(['172.18.0.1']);
    expect(parseGateways('')).toEqual([]);
    expect(readGateways('/nothing/here')).toEqual([]);
    for (const gateway of readGateways()) expect(whyProtected(gateway)).toBeDefined();
  });
});

describe('what is banned', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::/64', '2001:db8:1:2::/64'],
  ])('%j is %j', (text, subject) => {
    expect(readBanSubject(text)).toBe(subject);
  });

  test.each([
    '',
    'unknown',
    '1',
    '203.0.113',
    '203.0.113.0/24',
    '203.0.113.7/64',
    '2001:db8::/32',
    '<script>',
    '0x7f.1',
  ])('%j is nothing that can be', (text) => {
    expect(readBanSubject(text)).toBeUndefined();
  });
});

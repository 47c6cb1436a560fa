import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { createAddressList } from '../../src/http/address-list.ts';
import { normaliseAddress } from '../../src/http/client-address.ts';

const octet = fc.constantFrom(0, 1, 10, 127, 128, 192, 255);
const ipv4 = fc.array(octet, { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.'));
const group = fc.constantFrom('0', '1', 'db8', '2001', '8000', 'fd00', 'ffff');
const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
const cidr = fc.oneof(
  fc.tuple(ipv4, fc.nat(32)).map(([text, bits]) => `${text}/${bits}`),
  fc.tuple(ipv6, fc.nat(128)).map(([text, bits]) => `${text}/${bits}`),
  fc.tuple(ipv4, fc.nat(32)).map(([text, bits]) => `::ffff:${text}/${96 + bits}`),
);

/** By the library: an IPv4 address in IPv6 clothes counts as the one that it is. */
function covers(entry: string, address: string): boolean {
  const [parsed, length] = entry.includes('/') ? ipaddr.parseCIDR(entry) : [ipaddr.parse(entry), 128];
  const isMapped = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() && length >= 96;
  const block = isMapped ? parsed.toIPv4Address() : parsed;
  const bits = isMapped ? length - 96 : length;
  const asked = ipaddr.parse(address);
  return (
    asked.kind() === block.kind() && asked.match(block, Math.min(bits, block.kind() === 'ipv4' ? 32 : 128))
  );
}

describe('a list of addresses', () => {
  it('finds what the library finds, whatever the list', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(ipv4, ipv6, cidr), { maxLength: 4 }),
        fc.oneof(ipv4, ipv6),
        (list, text) => {
          const address = normaliseAddress(text) ?? '';
          expect(createAddressList(list)(address)).toBe(list.some((entry) => covers(entry, address)));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('finds IPv4 as a socket for both kinds writes it', () => {
    const isListed = createAddressList(['10.0.0.0/8', '::ffff:192.0.2.7']);
    expect(['::ffff:10.1.2.3', '::ffff:11.1.2.3', '::ffff:192.0.2.7'].map(isListed)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('takes no text that is no address for one', () => {
    const everything = createAddressList(['0.0.0.0/0', '::/0']);
    expect(['', 'unknown', '<script>', '999.1.1.1'].map(everything)).toEqual([false, false, false, false]);
  });

  it('refuses to be made of what is no address', () => {
    expect(() => createAddressList(['localhost'])).toThrow();
  });
});

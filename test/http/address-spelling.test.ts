import { isIPv4 } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import {
  addressBucket,
  ipv4InMapped,
  networkBucket,
  normaliseAddress,
} from '../../src/http/client-address.ts';

const octet = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 9, 10, 99, 100, 199, 200, 255));
const ipv4 = fc.array(octet, { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.'));
const groups = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(0xffff)), {
  minLength: 8,
  maxLength: 8,
});
/** As people and proxies write them: gaps anywhere, leading zeros, capital letters. */
const ipv6 = fc
  .tuple(groups, fc.nat(8), fc.nat(8), fc.boolean(), fc.boolean())
  .map(([all, from, length, capital, padded]) => {
    const words = all.map((group) => {
      const word = group.toString(16).padStart(padded ? 4 : 1, '0');
      return capital ? word.toUpperCase() : word;
    });
    return length === 0
      ? words.join(':')
      : `${words.slice(0, from).join(':')}::${words.slice(from + length).join(':')}`;
  });
/** Nearly addresses. */
const rubbish = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcfF:.%/[]x g') }),
  fc
    .tuple(
      fc.oneof(ipv4, ipv6),
      fc.nat(45),
      fc.constantFrom('', '0', ':', '::', '.', 'g', '%eth0', ' ', '/64'),
    )
    .map(([text, at, extra]) => text.slice(0, at) + extra + text.slice(at)),
  fc.tuple(ipv6, ipv4).map(([start, end]) => `${start}:${end}`),
);
const anything = fc.oneof(
  ipv4,
  ipv6,
  ipv4.map((text) => `::ffff:${text}`),
  rubbish,
);

const byLibrary = (text: string): string | undefined =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
    ? ipaddr.process(text).toString()
    : undefined;

/** The network of so many bits. */
function networkByLibrary(address: string, bits: 48 | 64): string | undefined {
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return undefined;
  const parts = parsed.parts.map((group, at) => (at < bits / 16 ? group : 0));
  return `${new ipaddr.IPv6(parts).toString()}/${bits}`;
}

const RUNS = { numRuns: 5000 };

describe('addresses read without ipaddr.js', () => {
  it('are IPv4 exactly where the library says so', () => {
    fc.assert(
      fc.property(anything, (text) => isIPv4(text) === ipaddr.IPv4.isValidFourPartDecimal(text)),
      RUNS,
    );
  });

  it('are IPv6 exactly where the library says so, a URL or not', () => {
    fc.assert(
      fc.property(anything, (text) => {
        if (!/^[0-9a-f:]+$/i.test(text)) return;
        expect(normaliseAddress(text) !== undefined).toBe(ipaddr.IPv6.isValid(text));
      }),
      RUNS,
    );
  });

  it('are written as the library writes them', () => {
    fc.assert(
      fc.property(groups, (all) => {
        const address = new ipaddr.IPv6(all);
        const expected = address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
        expect(normaliseAddress(all.map((group) => group.toString(16)).join(':'))).toBe(expected.toString());
      }),
      RUNS,
    );
  });

  it('are IPv4 inside of IPv6 only behind the prefix for it', () => {
    expect(ipv4InMapped('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(ipv4InMapped('::192.0.2.7')).toBeUndefined();
    expect(ipv4InMapped('::ffff:192.0.2.07')).toBeUndefined();
    expect(ipv4InMapped('::ffff:c000:207')).toBeUndefined();
  });
});

describe('the spelling of an address', () => {
  it('is the library’s, whatever the text', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const spelling = normaliseAddress(text);
        const expected = byLibrary(text);
        if (expected !== undefined) expect(spelling).toBe(expected);
        // With a port behind it, which the library does not take.
        else if (spelling !== undefined) expect(text).toMatch(/^\[.*\](:\d+)?$|\.\d+:\d+$/);
      }),
      RUNS,
    );
  });

  it('leads to the library’s networks', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const spelling = normaliseAddress(text);
        if (spelling === undefined) return;
        expect(addressBucket(spelling)).toBe(networkByLibrary(spelling, 64) ?? spelling);
        expect(networkBucket(spelling)).toBe(networkByLibrary(spelling, 48));
      }),
      RUNS,
    );
  });
});

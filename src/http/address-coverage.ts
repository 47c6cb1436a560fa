import ipaddr from 'ipaddr.js';

/** Addresses as numbers, half-open. */
interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

/** All client addresses: all of IPv4, and of IPv6 the part that is given out (2000::/3, RFC 4291). */
const WHOLE = ['0.0.0.0/0', '2000::/3'].map(toRange);

/** Whether a list of addresses and CIDRs, taken together, covers half of IPv4 or of the IPv6 that is in use. */
export function coversMostOfTheNet(entries: readonly string[]): boolean {
  const ranges = entries.map(toRange).sort((a, b) => (a.from < b.from ? -1 : 1));
  return WHOLE.some((whole) => covered(ranges, whole) * 2n >= whole.to - whole.from);
}

/** How many addresses of `whole` are in one range or more. `ranges` by their beginning. */
function covered(ranges: readonly Range[], whole: Range): bigint {
  let count = 0n;
  let behind = whole.from;
  for (const { from, to } of ranges) {
    const begin = from > behind ? from : behind;
    const end = to < whole.to ? to : whole.to;
    if (end <= begin) continue;
    count += end - begin;
    behind = end;
  }
  return count;
}

/** IPv4 where IPv6 has it (::ffff:0:0/96), so that both spellings of an address are one number. */
function toRange(entry: string): Range {
  const [address, bits] = entry.includes('/')
    ? ipaddr.parseCIDR(entry)
    : [ipaddr.parse(entry), entry.includes(':') ? 128 : 32];
  const [ipv6, length] =
    address instanceof ipaddr.IPv4 ? [address.toIPv4MappedAddress(), bits + 96] : [address, bits];
  const number = ipv6.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const size = 1n << BigInt(128 - length);
  const from = number - (number % size);
  return { from, to: from + size };
}

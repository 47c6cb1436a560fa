import ipaddr from 'ipaddr.js';

/** A block that is wider than a large company's own is no limit. */
const WIDEST = { ipv4: 8, ipv6: 32 } as const;

/**
 * One spelling for an address or a CIDR that a person enters into a list of those who may come in; IPv4 also where it came
 * dressed as IPv6. Undefined for anything else, and for a block of more than a /8 (IPv6: /32).
 */
export function readAllowedAddress(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.trim().split('/');
  if (rest.length > 0 || !isAddress(address)) return undefined;
  if (bits === undefined) return ipaddr.process(address).toString();
  return /^\d{1,3}$/.test(bits) ? readBlock(ipaddr.parse(address), Number(bits)) : undefined;
}

function readBlock(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string | undefined {
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress())
    return bits < 96 ? undefined : readBlock(address.toIPv4Address(), bits - 96);
  const kind = address.kind();
  const all = kind === 'ipv4' ? 32 : 128;
  if (bits > all || bits < WIDEST[kind]) return undefined;
  if (bits === all) return address.toString();
  const block = kind === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${block.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
}

/** Whether `client`, as `clientAddress` gives it, is one of the entries or in one. What is no address is in none. */
export function isAllowedAddress(entries: readonly string[], client: string): boolean {
  return entries.some((entry) => covers(entry, client));
}

function covers(entry: string, client: string): boolean {
  if (!isAddress(client)) return false;
  if (entry === client) return true;
  if (!entry.includes('/')) return false;
  const address = ipaddr.process(client);
  const [block, bits] = ipaddr.parseCIDR(entry);
  return address.kind() === block.kind() && address.match(block, bits);
}

/** All four parts of an IPv4 address: `1` alone, which C would take, is none. */
function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && !text.includes('%'));
}

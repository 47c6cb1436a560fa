import type { Request } from 'express';
import ipaddr from 'ipaddr.js';
import { ipv4InMapped, isPlainIpv4, readPlainIpv6, writeIpv6 } from './plain-address.ts';

/** Whether the peer at a hop (0: of the socket) may say who was before it; Express makes it of `trust proxy`. */
type Trusts = (address: string, hop: number) => boolean;

/**
 * The address of the client in one spelling: the nearest one that is no trusted proxy's. Express's own `req.ip` knows no
 * proxy by an entry with a port behind it. What is no address (a spoofed header passed on by a careless proxy) becomes
 * the address of the proxy that passed it on.
 */
export function clientAddress(req: Request): string {
  const trusts: Trusts = req.app.get('trust proxy fn');
  const forwarded = String(req.headers['x-forwarded-for'] ?? '').split(',');
  let address = normaliseAddress(req.socket.remoteAddress);
  for (let hop = 0; address !== undefined && trusts(address, hop); hop += 1) {
    const before = normaliseAddress(forwarded.pop()?.trim());
    if (before === undefined) break;
    address = before;
  }
  return address ?? 'unknown';
}

/**
 * One spelling for an address, without the port that some proxies write behind it: IPv4-mapped IPv6 becomes IPv4.
 * Undefined when the text is none (a name, `<script>`, a number that C would take).
 */
export function normaliseAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return normalisePlain(text) ?? normaliseByLibrary(text);
}

/** What nearly all addresses look like; undefined for the rest. */
function normalisePlain(text: string): string | undefined {
  if (isPlainIpv4(text)) return text;
  const mapped = ipv4InMapped(text);
  if (mapped !== undefined) return mapped;
  const groups = readPlainIpv6(text);
  return groups === undefined || isMapped(groups) ? undefined : writeIpv6(groups);
}

/** `::ffff:c000:207` is an IPv4 address as well. */
const isMapped = (groups: readonly number[]): boolean =>
  groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);

function normaliseByLibrary(text: string): string | undefined {
  const address = withoutPort(text);
  return address === undefined || !isAddress(address) ? undefined : ipaddr.process(address).toString();
}

const LARGEST_PORT = 65_535;

/** Takes the port off `192.0.2.7:5678` and `[2001:db8::1]:443`; undefined where what stands there is no port. */
function withoutPort(text: string): string | undefined {
  const [, ipv6, ipv4, port = '0'] = /^(?:\[([^\]]+)\]|(.*\.\d+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (Number(port) > LARGEST_PORT) return undefined;
  if (ipv6 !== undefined) return ipaddr.IPv6.isValid(ipv6) ? ipv6 : undefined;
  return ipv4 ?? text;
}

function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/** What to count by: an IPv4 address, or the /64 of an IPv6 one, since a single customer owns a whole /64. */
export function addressBucket(address: string): string {
  if (isPlainIpv4(address)) return address;
  const groups = readPlainIpv6(address);
  if (groups !== undefined && !isMapped(groups))
    return `${writeIpv6([...groups.slice(0, 4), 0, 0, 0, 0])}/64`;
  return bucketByLibrary(address);
}

/** The /48 of an IPv6 address, which is what a site or a tenant of a data centre is given. IPv4 has nothing like it. */
export function networkBucket(address: string): string | undefined {
  const groups = readPlainIpv6(address);
  if (groups === undefined || isMapped(groups)) return undefined;
  return `${writeIpv6([...groups.slice(0, 3), 0, 0, 0, 0, 0])}/48`;
}

function bucketByLibrary(address: string): string {
  if (!isAddress(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const [a, b, c, d] = (parsed as ipaddr.IPv6).parts;
  return `${new ipaddr.IPv6([a ?? 0, b ?? 0, c ?? 0, d ?? 0, 0, 0, 0, 0]).toString()}/64`;
}

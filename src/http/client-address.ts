import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/**
 * The address of the client, as `trust proxy` found it, in one spelling: IPv4-mapped IPv6 becomes IPv4, and what is
 * no address (a spoofed header passed on by a careless proxy) becomes the socket's peer.
 */
export function clientAddress(req: Request): string {
  return normaliseAddress(req.ip) ?? normaliseAddress(req.socket.remoteAddress) ?? 'unknown';
}

/** One spelling for an address; undefined when the text is none (a port, a name, `<script>`, a number that C would take). */
export function normaliseAddress(text: string | undefined): string | undefined {
  if (text === undefined || !isAddress(text)) return undefined;
  return ipaddr.process(text).toString();
}

function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/** What to count by: an IPv4 address, or the /64 of an IPv6 one, since a single customer owns a whole /64. */
export function addressBucket(address: string): string {
  if (!isAddress(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const [a, b, c, d] = (parsed as ipaddr.IPv6).parts;
  return `${new ipaddr.IPv6([a ?? 0, b ?? 0, c ?? 0, d ?? 0, 0, 0, 0, 0]).toString()}/64`;
}

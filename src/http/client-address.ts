import { isIPv4 } from 'node:net';
import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/** The client of a request: the address, and the bucket that is counted and banned (`addressBucket`). */
export interface ClientSubject {
  readonly address: string;
  readonly subject: string;
}

/** Where a request keeps its answer: a property costs a twentieth of a look into a WeakMap. */
const CLIENT = Symbol('client');

/** Read once a request, however many ask. */
export function clientSubject(req: Request & { [CLIENT]?: ClientSubject }): ClientSubject {
  req[CLIENT] ??= readClient(req);
  return req[CLIENT];
}

/** The address of the client in one spelling: the nearest one that is no trusted proxy's. */
export const clientAddress = (req: Request): string => clientSubject(req).address;

/**
 * Whether a proxy that TRUST_PROXY does not name has passed it on: then the address is the proxy's, and a client far away
 * seems to be on this machine.
 */
export function cameThroughUnknownProxy(req: Request): boolean {
  const trusts: Trusts = req.app.get('trust proxy fn');
  const peer = normaliseAddress(req.socket.remoteAddress);
  const isForwarded = 'x-forwarded-for' in req.headers || 'forwarded' in req.headers || 'via' in req.headers;
  return isForwarded && (peer === undefined || !trusts(peer, 0));
}

/** Whether a host name or address, of IPv6 with or without brackets, stands for this machine alone. */
export function isLoopbackHost(name: string): boolean {
  const host = name.replace(/^\[|\]$/g, '');
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
}

/** Whether the client is on this machine, as far as can be told. */
export function isFromThisMachine(req: Request): boolean {
  return isLoopbackHost(clientAddress(req)) && !cameThroughUnknownProxy(req);
}

/** Whether the peer at a hop (0: of the socket) may say who was before it; Express makes it of `trust proxy`. */
type Trusts = (address: string, hop: number) => boolean;

/**
 * Express's own `req.ip` knows no proxy by an entry with a port behind it. What is no address (a spoofed header passed on
 * by a careless proxy) becomes the address of the proxy that passed it on.
 */
function readClient(req: Request): ClientSubject {
  const trusts: Trusts = req.app.get('trust proxy fn');
  let address = normaliseAddress(req.socket.remoteAddress);
  let forwarded: string[] | undefined;
  for (let hop = 0; address !== undefined && trusts(address, hop); hop += 1) {
    forwarded ??= String(req.headers['x-forwarded-for'] ?? '').split(',');
    const before = normaliseAddress(forwarded.pop()?.trim());
    if (before === undefined) break;
    address = before;
  }
  return address === undefined
    ? { address: 'unknown', subject: 'unknown' }
    : { address, subject: bucketOf(address) };
}

/**
 * One spelling for an address, without the port that some proxies write behind it: IPv4-mapped IPv6 becomes IPv4.
 * Undefined when the text is none (a name, `<script>`, a number that C would take).
 */
export function normaliseAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return normalisePlain(text) ?? normaliseByLibrary(text);
}

/** Fast way for nearly all addresses; undefined for the rest. */
function normalisePlain(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const mapped = ipv4InMapped(text);
  if (mapped !== undefined) return mapped;
  // Nothing else in it: a URL would take a bracket or a line break. It costs a fortieth of what ipaddr.js does.
  if (!/^[0-9a-f:]+$/i.test(text)) return undefined;
  const ipv6 = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1);
  return ipv6 === undefined || MAPPED.test(ipv6) ? undefined : ipv6;
}

/** `::ffff:c000:207` is an IPv4 address as well. */
const MAPPED = /^::ffff:[^:]+:[^:]+$/;

/** The IPv4 address in `::ffff:192.0.2.7`, as a socket that takes both kinds writes it; undefined for anything else. */
export function ipv4InMapped(text: string): string | undefined {
  if (!text.startsWith('::ffff:')) return undefined;
  const inside = text.slice('::ffff:'.length);
  return isIPv4(inside) ? inside : undefined;
}

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

/** The bucket of an address: an IPv4 address, or the /64 of an IPv6 one, since a single customer owns a whole /64. */
export function addressBucket(address: string): string {
  return bucketOf(normaliseAddress(address) ?? address);
}

const bucketOf = (spelling: string): string => (spelling.includes(':') ? ipv6Network(spelling, 4) : spelling);

/** The /48 of an IPv6 address, which is what a site or a tenant of a data centre is given. IPv4 has nothing like it. */
export function networkBucket(address: string): string | undefined {
  const spelling = normaliseAddress(address);
  return spelling?.includes(':') ? ipv6Network(spelling, 3) : undefined;
}

/** The network that the first groups make, of an address in the spelling above. */
function ipv6Network(address: string, length: 3 | 4): string {
  const [head = '', tail = ''] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (groups.length < length && tail !== '') {
    const end = tail.split(':');
    while (groups.length + end.length < 8) groups.push('0');
    groups.push(...end);
  }
  groups.splice(length);
  while (groups.at(-1) === '0') groups.pop();
  return `${groups.join(':')}::/${length * 16}`;
}

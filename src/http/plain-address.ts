/**
 * Addresses in the forms that sockets and proxies write them, read without a library: ipaddr.js reads an IPv6 address with
 * a handful of regular expressions, which costs more than all the rest of looking up a ban. What these do not read is not
 * therefore wrong; what they do read, they read as ipaddr.js does.
 */

const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const GROUPS = 8;

/** Whether the text is four decimal numbers from 0 to 255 without leading zeros. There is one such text for an address. */
export function isPlainIpv4(text: string): boolean {
  return endOfIpv4(text, 0) === text.length;
}

/** The IPv4 address in `::ffff:192.0.2.7`, as a socket that takes both kinds writes it; undefined for anything else. */
export function ipv4InMapped(text: string): string | undefined {
  if (!text.startsWith('::ffff:')) return undefined;
  const inside = text.slice('::ffff:'.length);
  return isPlainIpv4(inside) ? inside : undefined;
}

/** The eight groups of an IPv6 address in hexadecimal; undefined for anything else, for a zone or dots in it as well. */
export function readPlainIpv6(text: string): readonly number[] | undefined {
  const groups: number[] = [];
  let gapAt = -1;
  let position = 0;
  if (text.startsWith('::')) {
    gapAt = 0;
    position = 2;
  }
  while (position < text.length) {
    let value = 0;
    let digits = 0;
    for (; position < text.length && digits < 5; position += 1, digits += 1) {
      const digit = hexDigit(text.charCodeAt(position));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (digits === 0 || digits > 4 || groups.length === GROUPS) return undefined;
    groups.push(value);
    if (position === text.length) break;
    if (text.charCodeAt(position) !== COLON) return undefined;
    position += 1;
    if (text.charCodeAt(position) === COLON) {
      if (gapAt >= 0) return undefined;
      gapAt = groups.length;
      position += 1;
    } else if (position === text.length) return undefined;
  }
  return fill(groups, gapAt);
}

/** As RFC 5952 wants it: small letters, no leading zeros, and the first of the longest gaps as `::`. */
export function writeIpv6(groups: readonly number[]): string {
  const gap = longestGap(groups);
  const gapAt = gap.length < 2 ? GROUPS : gap.start;
  let text = '';
  for (let at = 0; at < GROUPS; at += 1) {
    if (at === gapAt) {
      text += '::';
      at += gap.length - 1;
    } else {
      if (at > 0 && at !== gapAt + gap.length) text += ':';
      text += (groups[at] ?? 0).toString(16);
    }
  }
  return text;
}

/** `::` stands for one group or more. */
function fill(groups: readonly number[], gapAt: number): readonly number[] | undefined {
  if (gapAt < 0) return groups.length === GROUPS ? groups : undefined;
  if (groups.length >= GROUPS) return undefined;
  const filled: number[] = new Array<number>(GROUPS).fill(0);
  const behind = groups.length - gapAt;
  for (let at = 0; at < gapAt; at += 1) filled[at] = groups[at] ?? 0;
  for (let at = 0; at < behind; at += 1) filled[GROUPS - behind + at] = groups[gapAt + at] ?? 0;
  return filled;
}

/** The first of the longest runs of zeros. */
function longestGap(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < GROUPS; ) {
    let end = start;
    while (end < GROUPS && groups[end] === 0) end += 1;
    if (end - start > best.length) best = { start, length: end - start };
    start = end + 1;
  }
  return best;
}

/** The position behind an IPv4 address that begins at `start`, or -1. */
function endOfIpv4(text: string, start: number): number {
  let position = start;
  for (let part = 0; part < 4; part += 1) {
    if (part > 0) {
      if (text.charCodeAt(position) !== DOT) return -1;
      position += 1;
    }
    const begin = position;
    let value = 0;
    for (; position - begin < 4; position += 1) {
      const digit = text.charCodeAt(position) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    const digits = position - begin;
    if (digits === 0 || value > 255 || (digits > 1 && text.charCodeAt(begin) === ZERO)) return -1;
  }
  return position;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= 0x39) return code - ZERO;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

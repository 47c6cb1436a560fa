import { isIPv4 } from 'node:net';
import { addressBucket, normaliseAddress } from '../http/client-address.ts';

/**
 * The subject of a ban on this address: an IPv4 address itself, of an IPv6 one its /64, since a single customer owns a
 * whole /64. A block that holds no more than that is read as well: an IPv4 address with /32, an IPv6 one with /64 to /128.
 * Undefined for anything else: a name, a wider block.
 */
export function readBanSubject(text: string): string | undefined {
  const [plain = '', bits, ...rest] = text.trim().split('/');
  const address = normaliseAddress(plain);
  if (address === undefined || rest.length > 0) return undefined;
  return bits === undefined || isNarrow(bits, isIPv4(plain), isIPv4(address))
    ? addressBucket(address)
    : undefined;
}

/** An IPv4 address that is written as IPv6 has the bits of IPv6. */
function isNarrow(bits: string, isWrittenAsIPv4: boolean, isIPv4Address: boolean): boolean {
  if (!/^\d{1,3}$/.test(bits)) return false;
  if (isWrittenAsIPv4) return bits === '32';
  return Number(bits) >= (isIPv4Address ? 128 : 64) && Number(bits) <= 128;
}

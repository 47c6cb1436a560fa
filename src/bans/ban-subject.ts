import { addressBucket, normaliseAddress } from '../http/client-address.ts';

/**
 * What is banned when this address is: an IPv4 address itself, of an IPv6 one its /64, since a single customer owns a
 * whole /64. Also reads the /64 as it is listed. Undefined for anything else: a name, a port, a wider block.
 */
export function readBanSubject(text: string): string | undefined {
  const trimmed = text.trim();
  const isBlock = trimmed.endsWith('/64');
  const address = normaliseAddress(isBlock ? trimmed.slice(0, -'/64'.length) : trimmed);
  if (address === undefined) return undefined;
  const subject = addressBucket(address);
  return isBlock && !subject.endsWith('/64') ? undefined : subject;
}

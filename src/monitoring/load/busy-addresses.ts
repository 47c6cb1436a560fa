import type { BusyAddress } from '../../core/alert.ts';
import { normaliseAddress } from '../../http/client-address.ts';
import type { Senders } from './load-window.ts';

export interface AddressRules {
  /** An address as TRAFFIC_LOG_ADDRESSES has it; undefined where none may be shown. */
  readonly addressWords: (address: string) => string | undefined;
  /** Whether an address, of IPv6 its /64, may be banned at all. */
  readonly mayBan: (subject: string) => boolean;
}

const V6_BITS = '/64';

/** Addresses as they may be shown, the busiest first. Those that read alike then are one. */
export function toBusyAddresses(
  senders: Senders,
  { addressWords, mayBan }: AddressRules,
): readonly BusyAddress[] {
  const busy = new Map<string, { address: string; requests: number; bannable: boolean }>();
  for (const [subject, requests] of senders) {
    const address = subject.endsWith(V6_BITS) ? subject.slice(0, -V6_BITS.length) : subject;
    const words = addressWords(address);
    if (words === undefined) continue;
    const isWhole = words === address && normaliseAddress(address) !== undefined;
    const known = busy.get(words) ?? {
      address: isWhole ? subject : words,
      requests: 0,
      bannable: isWhole && mayBan(subject),
    };
    busy.set(words, { ...known, requests: known.requests + requests });
  }
  return [...busy.values()].sort((a, b) => b.requests - a.requests);
}

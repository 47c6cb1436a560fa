import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { readAllowedAddress } from '../../http/allowed-address.ts';
import { addressBucket, normaliseAddress } from '../../http/client-address.ts';

/** TRAFFIC_LOG_ADDRESSES: how much of a client's address is kept. */
export type AddressDetail = 'full' | 'truncated' | 'hashed' | 'off';

/** The mark that the traffic log keeps instead of a client's address. */
export interface ClientMark {
  readonly detail: AddressDetail;
  /** Of an address as `clientAddress` gives it; null where none is kept. */
  of(address: string): string | null;
  /** The mark of a typed address, or a mark as a page shows it; undefined for any other text. */
  lookUp(text: string): string | undefined;
}

export interface ClientMarkDeps {
  readonly detail: AddressDetail;
  /** PEPPER, newest first; the newest counts. It lives outside the database. */
  readonly secrets: readonly string[];
}

const KEY_BYTES = 32;
const HASH_LENGTH = 16;
const MARK = /^(?:h:[0-9a-f]{16}|[0-9a-f.:]{2,45}\/(?:24|48)|unknown)$/;

/**
 * - `full`: the address.
 * - `truncated`: its /24, or its /48 of IPv6, which is about a street or an office.
 * - `hashed`: an HMAC-SHA256 of it (of IPv6: of its /64, since devices change the rest of it every day). The same client is
 *   recognised, and the database alone does not let all addresses be tried, as a plain hash of four bytes would.
 */
export function createClientMark({ detail, secrets }: ClientMarkDeps): ClientMark {
  const mark = createMaker(detail, secrets);
  return {
    detail,
    of: mark,
    lookUp(text) {
      const address = normaliseAddress(readAllowedAddress(text) ?? text);
      if (address !== undefined) return mark(address) ?? undefined;
      return MARK.test(text) ? text : undefined;
    },
  };
}

/** Whether a mark is an address as it was, which can be banned. */
export function isFullAddress(mark: string | null): mark is string {
  return mark !== null && normaliseAddress(mark) !== undefined;
}

function createMaker(detail: AddressDetail, secrets: readonly string[]): ClientMark['of'] {
  switch (detail) {
    case 'full':
      return (address) => address;
    case 'truncated':
      return truncate;
    case 'hashed':
      return createHash(secrets);
    case 'off':
      return () => null;
  }
}

function truncate(address: string): string {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return `${address.replace(/\d+$/, '0')}/24`;
  if (!ipaddr.IPv6.isValid(address)) return address;
  const [a = 0, b = 0, c = 0] = ipaddr.IPv6.parse(address).parts;
  return `${new ipaddr.IPv6([a, b, c, 0, 0, 0, 0, 0]).toString()}/48`;
}

function createHash([secret]: readonly string[]): (address: string) => string {
  if (secret === undefined) throw new RangeError('Hashed addresses need a secret.');
  const key = createSecretKey(
    Buffer.from(hkdfSync('sha256', secret, '', 'curfew/traffic-addresses', KEY_BYTES)),
  );
  return (address) =>
    `h:${createHmac('sha256', key).update(addressBucket(address)).digest('hex').slice(0, HASH_LENGTH)}`;
}

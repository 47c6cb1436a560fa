import { isAllowedAddress } from '../http/allowed-address.ts';

/** From where a key may be used; without a primary address, from anywhere. As `readAllowedAddress` writes them. */
export interface KeyAddresses {
  readonly primary: string | undefined;
  readonly secondary: string | undefined;
}

export const listAddresses = ({ primary, secondary }: KeyAddresses): readonly string[] =>
  [primary, secondary].filter((address) => address !== undefined);

/** `client` as `clientAddress` gives it. */
export function mayBeUsedFrom(addresses: KeyAddresses, client: string): boolean {
  const allowed = listAddresses(addresses);
  return allowed.length === 0 || isAllowedAddress(allowed, client);
}

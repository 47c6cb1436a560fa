import { isIP } from 'node:net';

/** Whom passkeys are made for: browsers give them to this origin and to no other (WebAuthn, 5.1.3). */
export interface RelyingParty {
  /** The host of BASE_URL. */
  readonly id: string;
  readonly origin: string;
}

/**
 * From BASE_URL alone, whatever name a request came by. Undefined where browsers offer no passkeys: at an IP address, and
 * without https anywhere but on localhost.
 */
export function relyingPartyOf(publicOrigin: string): RelyingParty | undefined {
  const { protocol, hostname, origin } = new URL(publicOrigin);
  const isAddress = isIP(hostname) !== 0 || hostname.startsWith('[');
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  return isAddress || (protocol !== 'https:' && !isLocal) ? undefined : { id: hostname, origin };
}

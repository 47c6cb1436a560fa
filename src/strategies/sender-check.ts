import type { CachedStrategy } from '../core/cached-values.ts';
import { isAllowedAddress } from '../http/allowed-address.ts';
import { type SignedMessage, verifySignature } from './signature.ts';

/** A message as it came in, and from where. */
export interface Delivery extends SignedMessage {
  /** In the spelling of `clientAddress`. */
  readonly address: string;
}

export type SenderVerdict =
  /** `messageDigest`: of a signed message, the same for every copy of it. */
  | { readonly kind: 'good'; readonly messageDigest: string | undefined }
  | { readonly kind: 'bad_address' | 'bad_signature' | 'stale_signature' };

/** Whether a sender may send signals to a strategy: everything that it asks for must hold. */
export function checkSender(
  { allowedAddresses, signingSecret }: CachedStrategy,
  delivery: Delivery,
  now: number,
): SenderVerdict {
  if (allowedAddresses.length > 0 && !isAllowedAddress(allowedAddresses, delivery.address))
    return { kind: 'bad_address' };
  if (signingSecret === undefined) return { kind: 'good', messageDigest: undefined };
  const verdict = verifySignature(signingSecret, delivery, now);
  if (verdict.kind === 'good') return { kind: 'good', messageDigest: verdict.digest };
  return { kind: verdict.kind === 'stale' ? 'stale_signature' : 'bad_signature' };
}

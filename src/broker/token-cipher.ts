import { type Cipher, createKeyRing, type KeyRingDeps } from '../storage/key-ring.ts';

/** Encrypts what belongs to one broker. */
export type BrokerCipher = Cipher;

export interface TokenCipher {
  forBroker(broker: string): BrokerCipher;
}

/**
 * Keys of its own for each broker: a ciphertext that was moved to another broker's row cannot be read there. Throws a
 * RangeError on a malformed key.
 */
export function createTokenCipher(deps: KeyRingDeps): TokenCipher {
  const keyRing = createKeyRing(deps);
  return { forBroker: (broker) => keyRing.forPurpose(`broker/${broker}`) };
}

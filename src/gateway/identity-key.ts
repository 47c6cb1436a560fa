import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { deriveKey } from '../storage/key-ring.ts';

/** Signs X-Curfew-Identity. */
export interface IdentityKey {
  /** The thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

/** PKCS #8 of an Ed25519 key up to its 32 bytes (RFC 8410, 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * One key for each ENCRYPTION_KEY, in their order: the newest signs, and all are in the JWKS. Derived with HKDF-SHA256
 * (RFC 5869), so that all nodes have the same without storing any, and that rotating ENCRYPTION_KEY rotates these.
 */
export function deriveIdentityKeys(encryptionKeys: readonly string[]): Promise<readonly IdentityKey[]> {
  return Promise.all(encryptionKeys.map(derive));
}

async function derive(encryptionKey: string): Promise<IdentityKey> {
  const { calculateJwkThumbprint } = await import('jose');
  const seed = deriveKey(encryptionKey, 'gateway/identity');
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, privateKey, publicJwk: { ...jwk, kid, alg: 'EdDSA', use: 'sig' } };
}

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, type JWK, type JWTPayload, SignJWT } from 'jose';
import { deriveKey } from '../storage/key-ring.ts';

/** Signs X-Curfew-Identity. */
export interface IdentityKey {
  /** The thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly publicJwk: JWK;
  /** A JWT of these claims (RFC 7519). */
  sign(claims: JWTPayload): Promise<string>;
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
  const seed = deriveKey(encryptionKey, 'gateway/identity');
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    publicJwk: { ...jwk, kid, alg: 'EdDSA', use: 'sig' },
    sign: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' }).sign(privateKey),
  };
}

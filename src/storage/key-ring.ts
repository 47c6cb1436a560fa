import { hkdfSync } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { createFernet, type Decrypted } from './fernet.ts';
import { decodeFernetKey } from './fernet-key.ts';

/** Encrypts what serves one purpose. */
export interface Cipher {
  encrypt(text: string): string;
  /** Never throws; see `Fernet`. */
  decrypt(token: string): Decrypted;
  /** For a rotation: the same encrypted with the newest key, unless it is already. Never throws. */
  renew(token: string): Renewal;
}

export type Renewal =
  | { readonly kind: 'renewed'; readonly ciphertext: string }
  | { readonly kind: 'current' | 'unreadable' };

export interface KeyRing {
  /** `purpose`: a fixed word or path, e.g. `broker/zerodha`. A feature that stores ciphertexts names them in `ciphertext-store.ts`. */
  forPurpose(purpose: string): Cipher;
}

export interface KeyRingDeps {
  /** ENCRYPTION_KEY as given, newest first. */
  readonly keys: readonly string[];
  readonly clock: Clock;
}

const KEY_BYTES = 32;

/**
 * Keys of its own for each purpose, derived from each of the given ones with HKDF-SHA256 (RFC 5869): a ciphertext that
 * was moved to where another purpose keeps its own cannot be read there. Throws a RangeError on a malformed key.
 */
export function createKeyRing({ keys, clock }: KeyRingDeps): KeyRing {
  const roots = keys.map(readKey);
  const ciphers = new Map<string, Cipher>();

  return {
    forPurpose(purpose) {
      const known = ciphers.get(purpose);
      if (known !== undefined) return known;
      const ring = roots.map((root) => derive(root, purpose));
      const fernet = createFernet({ keys: ring, clock });
      const newest = createFernet({ keys: ring.slice(0, 1), clock });
      const cipher: Cipher = {
        encrypt: (text) => fernet.encrypt(text),
        decrypt: (token) => fernet.decrypt(token),
        renew(token) {
          if (newest.decrypt(token).kind === 'ok') return { kind: 'current' };
          const decrypted = fernet.decrypt(token);
          if (decrypted.kind === 'unreadable') return { kind: 'unreadable' };
          return { kind: 'renewed', ciphertext: fernet.encrypt(decrypted.text) };
        },
      };
      ciphers.set(purpose, cipher);
      return cipher;
    },
  };
}

function readKey(text: string): Buffer {
  const bytes = decodeFernetKey(text);
  if (bytes === undefined) throw new RangeError('An encryption key must be 32 bytes in base64url.');
  return bytes;
}

/** The 32 bytes that an ENCRYPTION_KEY gives for a purpose that encrypts nothing. Throws a RangeError on a malformed key. */
export const deriveKey = (encryptionKey: string, purpose: string): Buffer =>
  derive(readKey(encryptionKey), purpose);

function derive(root: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', `curfew/${purpose}`, KEY_BYTES));
}

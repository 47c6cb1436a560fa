import { createSecretKey, type KeyObject } from 'node:crypto';

const KEY_BYTES = 32;
const SIGNING_BYTES = 16;

/** The two halves of a Fernet key. As KeyObjects: an HMAC with a Buffer as its key costs five times as much. */
export interface FernetKey {
  readonly signing: KeyObject;
  readonly encryption: KeyObject;
}

/** Reads a key as the specification writes it, 32 bytes in base64url; undefined for anything else. */
export function decodeFernetKey(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === KEY_BYTES ? bytes : undefined;
}

/** Splits 32 bytes: the first half signs, the second encrypts. Throws a RangeError for any other length. */
export function splitFernetKey(bytes: Buffer): FernetKey {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`A Fernet key has ${KEY_BYTES} bytes.`);
  return {
    signing: createSecretKey(bytes.subarray(0, SIGNING_BYTES)),
    encryption: createSecretKey(bytes.subarray(SIGNING_BYTES)),
  };
}

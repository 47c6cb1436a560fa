import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256 in base64url: how a state, a session id, a code or a token is stored where it only has to be recognised. */
export function secretDigest(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('base64url');
}

/** Whether the secret has this digest, in constant time. */
export function hasDigest(secret: string, digest: string): boolean {
  const actual = Buffer.from(secretDigest(secret));
  const expected = Buffer.from(digest);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

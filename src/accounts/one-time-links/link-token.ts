import { hash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;

/** 256 random bits, as they stand in a link. */
export const generateLinkToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');

/** Digest of a token, as stored. Fast on purpose: it cannot be guessed. Undefined for a text that is none. */
export function linkDigest(purpose: string, token: string): string | undefined {
  return TOKEN.test(token) ? hash('sha256', `curfew-link:${purpose}:${token}`, 'base64url') : undefined;
}

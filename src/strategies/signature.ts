import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';

/** How far the sender's clock and the way may be off, to either side. */
export const SIGNATURE_TOLERANCE_MS = 5 * MINUTE_MS;

const SECRET_BYTES = 32;
/** Lets scanners for leaked secrets, and people, know what it is. */
const SECRET_PREFIX = 'cws_';

export interface SignedMessage {
  /** The header: seconds since the epoch. */
  readonly timestamp: string | undefined;
  /** The header: HMAC-SHA256 in hexadecimal, with `sha256=` in front of it or without. */
  readonly signature: string | undefined;
  /** As it came over the wire. */
  readonly body: Buffer;
}

export type SignatureVerdict =
  /** `digest` is the same for a copy of this message, and for no other. */
  { readonly kind: 'good'; readonly digest: string } | { readonly kind: 'bad' | 'stale' };

export function generateSigningSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
}

/**
 * Checks an HMAC-SHA256 over `<timestamp>.<body>`, keyed with the secret's characters. The time is part of what is
 * signed, so that a recorded message cannot be sent again later. Compared in constant time. An empty secret is one that
 * could not be decrypted any more: nothing is signed with it.
 */
export function verifySignature(secret: string, message: SignedMessage, now: number): SignatureVerdict {
  const { timestamp = '', signature = '', body } = message;
  const sent = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(signature.trim())?.[1];
  if (secret === '' || sent === undefined || !/^\d{1,12}$/.test(timestamp)) return { kind: 'bad' };
  // A KeyObject: an HMAC with a Buffer as its key costs five times as much.
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  const expected = createHmac('sha256', key).update(`${timestamp}.`).update(body).digest();
  if (!timingSafeEqual(expected, Buffer.from(sent, 'hex'))) return { kind: 'bad' };
  if (Math.abs(now - Number(timestamp) * SECOND_MS) > SIGNATURE_TOLERANCE_MS) return { kind: 'stale' };
  return { kind: 'good', digest: expected.toString('base64url') };
}

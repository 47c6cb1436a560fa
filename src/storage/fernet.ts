import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { type FernetKey, splitFernetKey } from './fernet-key.ts';

const VERSION = 0x80;
const TIMESTAMP_OFFSET = 1;
const IV_OFFSET = 9;
const BLOCK_BYTES = 16;
const CIPHERTEXT_OFFSET = IV_OFFSET + BLOCK_BYTES;
const HMAC_BYTES = 32;
const SHORTEST = CIPHERTEXT_OFFSET + BLOCK_BYTES + HMAC_BYTES;
const MAXIMUM_CLOCK_SKEW_SECONDS = 60;

export type Decrypted = { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'unreadable' };

export interface Fernet {
  encrypt(text: string): string;
  /**
   * Never throws: a token that was changed, cut short, made with another key, or is older than `ttlSeconds` is
   * `unreadable`, without telling which of these it was. Without `ttlSeconds` age does not matter.
   */
  decrypt(token: string, options?: { readonly ttlSeconds?: number }): Decrypted;
}

export interface FernetDeps {
  /** 32 bytes each, newest first: the first one encrypts, all of them decrypt. */
  readonly keys: readonly Buffer[];
  readonly clock: Clock;
  /** 16 bytes, never the same twice. For the published vectors, which fix them. */
  readonly createIv?: () => Buffer;
}

/**
 * Fernet as published (https://github.com/fernet/spec/blob/master/Spec.md): AES-128 in CBC mode, then HMAC-SHA256
 * over version, time, IV and ciphertext; all of it in base64url with padding.
 */
export function createFernet({ keys, clock, createIv = () => randomBytes(BLOCK_BYTES) }: FernetDeps): Fernet {
  const ring = keys.map(splitFernetKey);
  const [newest] = ring;
  if (newest === undefined) throw new RangeError('Fernet needs at least one key.');
  const nowSeconds = () => Math.floor(clock.now() / SECOND_MS);

  return {
    encrypt: (text) => encode(seal(newest, text, nowSeconds(), createIv())),
    decrypt(token, { ttlSeconds } = {}) {
      const bytes = decode(token);
      if (bytes === undefined || !isWellFormed(bytes)) return UNREADABLE;
      if (ttlSeconds !== undefined && !isFresh(bytes, nowSeconds(), ttlSeconds)) return UNREADABLE;
      const key = ring.find((each) => isSignedWith(each, bytes));
      return key === undefined ? UNREADABLE : open(key, bytes);
    },
  };
}

const UNREADABLE: Decrypted = { kind: 'unreadable' };

function seal(key: FernetKey, text: string, timestamp: number, iv: Buffer): Buffer {
  const head = Buffer.alloc(IV_OFFSET);
  head.writeUInt8(VERSION, 0);
  head.writeBigUInt64BE(BigInt(timestamp), TIMESTAMP_OFFSET);
  const cipher = createCipheriv('aes-128-cbc', key.encryption, iv);
  const signed = Buffer.concat([head, iv, cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([signed, sign(key, signed)]);
}

function isWellFormed(bytes: Buffer): boolean {
  return bytes.length >= SHORTEST && bytes[0] === VERSION && (bytes.length - SHORTEST) % BLOCK_BYTES === 0;
}

function isFresh(bytes: Buffer, now: number, ttlSeconds: number): boolean {
  const timestamp = Number(bytes.readBigUInt64BE(TIMESTAMP_OFFSET));
  return timestamp + ttlSeconds >= now && timestamp <= now + MAXIMUM_CLOCK_SKEW_SECONDS;
}

function isSignedWith(key: FernetKey, bytes: Buffer): boolean {
  const end = bytes.length - HMAC_BYTES;
  return timingSafeEqual(sign(key, bytes.subarray(0, end)), bytes.subarray(end));
}

function sign(key: FernetKey, bytes: Buffer): Buffer {
  return createHmac('sha256', key.signing).update(bytes).digest();
}

/** The padding can still be wrong where a holder of the key did not pad as RFC 5652 says. */
function open(key: FernetKey, bytes: Buffer): Decrypted {
  const iv = bytes.subarray(IV_OFFSET, CIPHERTEXT_OFFSET);
  const ciphertext = bytes.subarray(CIPHERTEXT_OFFSET, bytes.length - HMAC_BYTES);
  const decipher = createDecipheriv('aes-128-cbc', key.encryption, iv);
  try {
    const text = Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
    return { kind: 'ok', text };
  } catch {
    return UNREADABLE;
  }
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Strict: Node's own decoder skips what is no base64 and takes text without its padding. */
function decode(token: string): Buffer | undefined {
  const bytes = Buffer.from(token, 'base64url');
  return encode(bytes) === token ? bytes : undefined;
}

import { createHmac, createSecretKey, type KeyObject, randomInt, timingSafeEqual } from 'node:crypto';

/**
 * `cfw_<id>_<secret><seal>`: letters and digits, so that a double click takes all of it. The id is public. The secret
 * has 154 random bits (ASVS 11.5.1 asks for 128). The seal is a part of an HMAC with the pepper, which only this
 * installation can make: a key that it never gave out is told by computing for two microseconds, without asking the
 * database and without an Argon2 hash.
 */
export interface KeyFormat {
  /** A new key, all of it, and its public part. */
  issue(): { readonly id: string; readonly key: string };
  /** Undefined for what is no key of this installation. */
  read(text: string): PresentedKey | undefined;
}

export interface PresentedKey {
  readonly id: string;
  /** HMAC-SHA256 of the key: names it in memory without being it. */
  readonly digest: string;
}

const PREFIX = 'cfw';
const ID_LENGTH = 12;
const SECRET_LENGTH = 26;
const SEAL_BYTES = 6;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KEY = new RegExp(
  `^${PREFIX}_([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}([0-9a-f]{${2 * SEAL_BYTES}})$`,
);

const KEY_ID = new RegExp(`^[0-9A-Za-z]{${ID_LENGTH}}$`);

/** Whether a text may contain one of our keys, whole or not. */
export const looksLikeKey = (text: string): boolean => text.includes(`${PREFIX}_`);

/** Whether a text could be the public part of one: what could not is not looked up. */
export const isKeyId = (text: string): boolean => KEY_ID.test(text);

/** The name of a key on pages and in logs. */
export const keyPrefix = (id: string): string => `${PREFIX}_${id}_`;

/** `peppers`: newest first; it seals, and the seals of all are good. */
export function createKeyFormat({ peppers }: { readonly peppers: readonly string[] }): KeyFormat {
  const sealings = peppers.map(toSealing);
  const [newest] = sealings;
  if (newest === undefined) throw new Error('The format of API keys needs a pepper');

  return {
    issue() {
      const id = randomText(ID_LENGTH);
      const unsealed = keyPrefix(id) + randomText(SECRET_LENGTH);
      return { id, key: unsealed + sealOf(unsealed, newest).toString('hex', 0, SEAL_BYTES) };
    },
    read(text) {
      const [key, id, seal] = KEY.exec(text) ?? [];
      if (key === undefined || id === undefined || seal === undefined) return undefined;
      const presented = Buffer.from(seal, 'hex');
      const macs = sealings.map((sealing) => sealOf(key.slice(0, -seal.length), sealing));
      const mac = macs.find((each) => timingSafeEqual(each.subarray(0, SEAL_BYTES), presented));
      return mac && { id, digest: mac.toString('base64url') };
    },
  };
}

/**
 * A key of its own, so that no digest made here is one that the password hasher makes. As a KeyObject it is five times as
 * fast as bytes.
 */
function toSealing(pepper: string): KeyObject {
  return createSecretKey(createHmac('sha256', pepper).update('curfew api keys v1').digest());
}

function sealOf(text: string, sealing: KeyObject): Buffer {
  return createHmac('sha256', sealing).update(text).digest();
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

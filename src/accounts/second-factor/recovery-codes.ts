import { hash, randomInt } from 'node:crypto';

/** No two of these look alike on paper; a guess at a look-alike is read as the one that is meant. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 6;
const GROUP_LENGTH = 4;
/** Codes of four groups were made before. */
const RECOVERY_CODE = new RegExp(`^(?:[${ALPHABET}]{16}|[${ALPHABET}]{${GROUPS * GROUP_LENGTH}})$`);

export const RECOVERY_CODES = 10;
/** With so many left, or fewer, people are told to make new ones. */
export const FEW_RECOVERY_CODES = 3;

/** Ten codes such as `k7mq-2hd9-wn4t-b6yc-m3px-8rvj`, of 118 random bits each. */
export function generateRecoveryCodes(): readonly string[] {
  return Array.from({ length: RECOVERY_CODES }, () =>
    Array.from({ length: GROUPS }, generateGroup).join('-'),
  );
}

/** A typed code without its spaces, hyphens and capital letters. */
export const normaliseCode = (text: string): string => text.replaceAll(/[\s-]/g, '').toLowerCase();

/** Whether a normalised code could be a recovery code. */
export const isRecoveryCode = (code: string): boolean => RECOVERY_CODE.test(code);

/** Digest of a code, as stored. Fast on purpose: from 112 random bits on a standard hash is enough (ASVS 6.5.2). */
export function recoveryCodeDigest(userId: string, code: string): string {
  return hash('sha256', `curfew-recovery:${userId}:${normaliseCode(code)}`, 'base64url');
}

function generateGroup(): string {
  return Array.from({ length: GROUP_LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
}

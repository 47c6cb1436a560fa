import { randomInt } from 'node:crypto';

/** No two of these look alike on paper or sound alike over the telephone. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 5;

/** A password to hand over once, such as `k7mqx-2hd9a-wn4tf-b6ycz`: 99 random bits. */
export function generateTemporaryPassword(): string {
  return Array.from({ length: GROUPS }, generateGroup).join('-');
}

function generateGroup(): string {
  return Array.from({ length: GROUP_LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
}

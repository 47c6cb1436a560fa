import { createHmac } from 'node:crypto';

const MARK_BYTES = 6;

/**
 * The end of a hash that was made while PEPPER had several values: names the one that it was made with, without
 * telling anything of it. With a single value there is nothing to tell apart, and the mark is ''.
 */
export function pepperMark(peppers: readonly string[]): string {
  const [newest, ...older] = peppers;
  if (newest === undefined || older.length === 0) return '';
  const digest = createHmac('sha256', newest).update('curfew pepper mark v1').digest();
  return `#${digest.toString('hex', 0, MARK_BYTES)}`;
}

/** The hash as Argon2 knows it. */
export function withoutMark(encoded: string): string {
  const end = encoded.indexOf('#');
  return end < 0 ? encoded : encoded.slice(0, end);
}

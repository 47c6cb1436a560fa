import { InvalidArgumentError } from 'commander';
import type { ChainHead } from '../core/audit-chain.ts';

/** Reads a head that somebody kept: `4711:` and 64 hexadecimal digits. Throws commander's error when it is none. */
export function readChainHead(text: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text.trim());
  if (match === null)
    throw new InvalidArgumentError(
      'Write it as it was printed: the number of a row, a colon, and 64 digits.',
    );
  return { seq: Number(match[1]), hash: String(match[2]).toLowerCase() };
}

import { MASTER_LIMITS } from './master-limits.ts';

/** A line of a file that is not empty. */
export interface TextLine {
  /** From 1, as editors count. */
  readonly number: number;
  /** Undefined where it is longer than `MASTER_LIMITS.lineLength`. */
  readonly text: string | undefined;
}

/** Cuts a text into lines: for each piece, those that end in it. However long a line is, no more than a limited part is kept. */
export async function* cutIntoLines(pieces: AsyncIterable<string>): AsyncGenerator<readonly TextLine[]> {
  let number = 0;
  let beginning = '';
  let tooLong = false;

  function finish(end: string): TextLine {
    number += 1;
    const text = tooLong ? undefined : withoutReturn(beginning + end);
    beginning = '';
    tooLong = false;
    return { number, text: text !== undefined && text.length > MASTER_LIMITS.lineLength ? undefined : text };
  }

  for await (const piece of pieces) {
    const parts = piece.split('\n');
    const unfinished = parts.pop() ?? '';
    const lines = parts.map(finish);
    beginning += unfinished;
    if (beginning.length > MASTER_LIMITS.lineLength) {
      tooLong = true;
      beginning = '';
    }
    yield lines.filter(isNotEmpty);
  }
  if (beginning !== '' || tooLong) yield [finish('')].filter(isNotEmpty);
}

const withoutReturn = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text);

const isNotEmpty = ({ text }: TextLine): boolean => text === undefined || text.trim() !== '';

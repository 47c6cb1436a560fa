import { describe, expect, it } from 'vitest';
import { parseCsvLines } from '../../src/symbols/csv-lines.ts';
import { MASTER_LIMITS } from '../../src/symbols/master-limits.ts';
import { cutIntoLines } from '../../src/symbols/master-text.ts';

describe('lines of CSV', () => {
  it('have cells, quoted where they must be, without blanks around them', () => {
    expect(parseCsvLines(['a, b ,"c, d","say ""x""",', 'Ü,é,']).map((line) => line)).toEqual([
      ['a', 'b', 'c, d', 'say "x"', ''],
      ['Ü', 'é', ''],
    ]);
  });

  it('are read each by itself: a quotation mark too few spoils one line and no other', () => {
    expect(parseCsvLines(['1,2', '3,"x', '5,6', 'a"b"c,7', '8,"9"'])).toEqual([
      ['1', '2'],
      { why: 'a quotation mark is not closed' },
      ['5', '6'],
      { why: 'a quotation mark stands where none may stand' },
      ['8', '9'],
    ]);
  });
});

describe('a text cut into lines', () => {
  const cut = async (...pieces: string[]) => {
    const lines = [];
    for await (const some of cutIntoLines(streamOf(pieces))) lines.push(...some);
    return lines;
  };

  it('has the same lines wherever it was cut before', async () => {
    const text = 'one\r\ntwo\n\n  \nfive';
    const expected = [
      { number: 1, text: 'one' },
      { number: 2, text: 'two' },
      { number: 5, text: 'five' },
    ];
    for (let at = 0; at <= text.length; at += 1)
      expect(await cut(text.slice(0, at), text.slice(at))).toEqual(expected);
    expect(await cut(...text)).toEqual(expected);
  });

  it('keeps no line that is longer than a line may be, nor much of it', async () => {
    const { lineLength } = MASTER_LIMITS;
    const longest = 'x'.repeat(lineLength);
    expect(await cut(`${longest}\nshort`)).toEqual([
      { number: 1, text: longest },
      { number: 2, text: 'short' },
    ]);
    expect(await cut(longest, 'y'.repeat(10 * lineLength), 'z', '\nshort\n', longest, 'zz')).toEqual([
      { number: 1, text: undefined },
      { number: 2, text: 'short' },
      { number: 3, text: undefined },
    ]);
  });
});

async function* streamOf(pieces: readonly string[]): AsyncGenerator<string> {
  yield* pieces;
}

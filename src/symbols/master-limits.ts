const MIB = 1024 * 1024;

/** Limits of an instrument master. The largest known, Dhan's, has 230,000 lines in 35 MB. */
export const MASTER_LIMITS = {
  /** Of the file as it comes. */
  fileBytes: 64 * MIB,
  /** Of what is in it where it is compressed: a small file can hold gigabytes. */
  textBytes: 256 * MIB,
  instruments: 500_000,
  /** One line, in characters. */
  lineLength: 4_000,
} as const;

/** So many bad lines say nothing about a file, however short it is. */
const BAD_LINES_ALWAYS_BORNE = 20;
const BAD_LINES_PER_LINE = 0.01;

/** How many bad lines are kept for showing. */
export const BAD_LINES_SHOWN = 100;

/** Whether a file is not what it is taken for: more than one line in a hundred is bad. */
export function hasTooManyBadLines(badLines: number, lines: number): boolean {
  return badLines > Math.max(BAD_LINES_ALWAYS_BORNE, lines * BAD_LINES_PER_LINE);
}

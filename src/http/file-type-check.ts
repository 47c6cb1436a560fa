/** Told by how it begins and never by its name (https://mimesniff.spec.whatwg.org/, and the formats' own documents). */
const SIGNATURES: readonly { readonly bytes: readonly number[]; readonly words: string }[] = [
  { bytes: [0x1f, 0x8b], words: 'This is a gzip file. Unpack it, and choose what is in it.' },
  ...[0x03, 0x05, 0x07].map((third) => ({
    bytes: [0x50, 0x4b, third, third + 1],
    words: 'This is a ZIP or Excel file. Unpack it, or save it as CSV, and choose that.',
  })),
  {
    bytes: [0xd0, 0xcf, 0x11, 0xe0],
    words: 'This is a file of an older Excel. Save it as CSV, and choose that.',
  },
  { bytes: [0x25, 0x50, 0x44, 0x46], words: 'This is a PDF. What is needed is the table itself, as CSV.' },
  {
    bytes: [0xff, 0xfe],
    words: 'This text is in UTF-16. Save it as “CSV UTF-8”, and choose that.',
  },
  {
    bytes: [0xfe, 0xff],
    words: 'This text is in UTF-16. Save it as “CSV UTF-8”, and choose that.',
  },
];

const MARKUP = /^\s*<(?:!doctype|html|head|body|!--|\?xml)/i;

export interface ForeignFileOptions {
  /** Whether gzip is taken here. */
  readonly gzip?: boolean;
}

/** The problem with an upload that should be text, by its first bytes, in words; undefined where it may be text. */
export function whyForeignFile(
  beginning: Uint8Array,
  { gzip = false }: ForeignFileOptions = {},
): string | undefined {
  const found = SIGNATURES.find(({ bytes }) => bytes.every((byte, index) => beginning[index] === byte));
  if (found !== undefined && !(gzip && found === SIGNATURES[0])) return found.words;
  if (found !== undefined) return undefined;
  if (MARKUP.test(new TextDecoder().decode(beginning.subarray(0, 200))))
    return 'This is a web page and not a table: perhaps the download led to a page to sign in on. Open it in a browser, and download the file itself.';
  return beginning.includes(0) ? 'This is not a text: it has bytes that no text has.' : undefined;
}

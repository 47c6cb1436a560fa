import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { invalid } from '../errors.ts';
import { whyForeignFile } from '../http/file-type-check.ts';
import { MASTER_LIMITS } from './master-limits.ts';

export interface MasterTextOptions {
  /** Of the file. Stays open. */
  readonly handle: FileHandle;
  /** Told how many of the file's bytes were read so far. */
  readonly onBytes: (bytes: number) => void;
  /** Told the checksum of the whole file at its end: two readings of the same file have the same. */
  readonly onEnd?: (checksum: number) => void;
}

const GZIP = Buffer.from([0x1f, 0x8b]);
/** As much as is read at once: some six hundred lines. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The text of a file, from its beginning, in pieces. Whether it is compressed is told by its first bytes and not by its
 * name. Throws `invalid` for what is no text, is damaged, or is larger than `MASTER_LIMITS`.
 */
export async function* readMasterText(options: MasterTextOptions): AsyncGenerator<string> {
  const bytes = readBytes(options);
  const first = await bytes.next();
  if (first.done) throw invalid({ file: 'The file is empty.' });
  const all = startingWith(first.value, bytes);
  yield* decode(first.value.subarray(0, 2).equals(GZIP) ? gunzip(all) : all);
}

async function* readBytes({ handle, onBytes, onEnd }: MasterTextOptions): AsyncGenerator<Buffer> {
  let position = 0;
  let checksum = 0;
  for (;;) {
    // A buffer each time: the pieces are still being read when the next one comes.
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(CHUNK_BYTES),
      0,
      CHUNK_BYTES,
      position,
    );
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    position += bytesRead;
    if (position > MASTER_LIMITS.fileBytes) throw tooLarge();
    checksum = crc32(chunk, checksum);
    onBytes(position);
    yield chunk;
  }
  onEnd?.(checksum);
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* gunzip(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflate = createGunzip({ chunkSize: CHUNK_BYTES });
  const feeding = pipeline(compressed, inflate);
  // A reader that stops ends the pipeline with an error of no interest; any other one comes out of `inflate` too.
  feeding.catch(() => undefined);
  try {
    yield* inflate;
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      throw invalid({ file: 'The gzip file is damaged or cut off: download it again.' });
    throw error;
  } finally {
    inflate.destroy();
    await feeding.catch(() => undefined);
  }
}

async function* decode(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let size = 0;
  for await (const chunk of bytes) {
    if (size === 0) refuseOtherFiles(chunk);
    size += chunk.length;
    if (size > MASTER_LIMITS.textBytes) throw tooLarge();
    yield decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}

/** In words, for the usual mistakes. */
function refuseOtherFiles(beginning: Buffer): void {
  const why =
    whyForeignFile(beginning) ??
    (JSON_TEXT.test(beginning.toString('latin1', 0, 200)) ? JSON_WORDS : undefined);
  if (why !== undefined) throw invalid({ file: why });
}

const JSON_TEXT = /^(?:\xef\xbb\xbf)?\s*[[{]/;
const JSON_WORDS =
  'This is JSON. What is needed is the same list as CSV, which the broker publishes beside it.';

function tooLarge(): Error {
  const [file, text] = [MASTER_LIMITS.fileBytes, MASTER_LIMITS.textBytes].map((bytes) => bytes / 1024 / 1024);
  return invalid({
    file: `The file is too large: it may have ${file} MB, and ${text} MB when it is unpacked.`,
  });
}

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

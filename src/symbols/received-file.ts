import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '../errors.ts';

export interface ReceiveOptions {
  readonly mostBytes: number;
  /** So many have come in. */
  readonly onBytes: (bytes: number) => Promise<void>;
}

/**
 * Puts a stream into a file in the system's temporary folder and returns it, open. The file has no name any more: when
 * it is closed, or the process dies, however it dies, its room on the disk is free again. Throws `too_large`, and
 * what the stream or `onBytes` throws.
 */
export async function receiveFile(
  stream: Readable,
  { mostBytes, onBytes }: ReceiveOptions,
): Promise<FileHandle> {
  const handle = await openNameless();
  try {
    let size = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (size + chunk.length > mostBytes) throw tooLarge(mostBytes);
      await handle.write(chunk, 0, chunk.length, size);
      size += chunk.length;
      await onBytes(size);
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `curfew-upload-${randomUUID()}`);
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  return handle;
}

function tooLarge(mostBytes: number): AppError {
  return new AppError('too_large', `The file is too large: it may have ${mostBytes / 1024 / 1024} MB.`);
}

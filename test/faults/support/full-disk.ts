import { execFileSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScratchDirectory, type ScratchDirectory } from '../../support/scratch-directory.ts';
import type { NodeProcess } from './node-process.ts';

/** A place for a database that can be without room for another byte, really and for everybody who writes there. */
export interface Disk {
  readonly path: string;
  fillUp(node: NodeProcess): void;
  makeRoom(node: NodeProcess): void;
  remove(): void;
}

const SIZE = '16m';

/** Ways to have no room. To mount a file system of one's own takes root; a limit of one's own process takes nobody. */
export const FULL_DISKS: readonly (readonly [string, () => Disk])[] = [
  ['lies on a full disk', mountSmallDisk] as const,
  ['may not grow', limitFileSize] as const,
].filter(([, create]) => create !== mountSmallDisk || canMount());

/** A tmpfs, and a file that takes all that is left of it: ENOSPC. */
function mountSmallDisk(): Disk {
  const directory = createScratchDirectory('disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', directory.path]);
  const unmount = (): void => void execFileSync('umount', ['--lazy', directory.path]);
  process.once('exit', unmount);
  const filler = join(directory.path, 'filler');
  return {
    path: directory.path,
    fillUp() {
      for (const piece of [1 << 20, 1 << 12]) append(filler, Buffer.alloc(piece));
    },
    makeRoom: () => rmSync(filler),
    remove() {
      process.off('exit', unmount);
      unmount();
      directory.remove();
    },
  };
}

/** RLIMIT_FSIZE at what the largest file has by now, which is the write-ahead log's next size: EFBIG. */
function limitFileSize(): Disk {
  const directory: ScratchDirectory = createScratchDirectory('disk');
  const limit = ({ pid }: NodeProcess, bytes: number | 'unlimited'): void =>
    void execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
  return {
    path: directory.path,
    fillUp: (node) => limit(node, statSync(join(directory.path, 'curfew.db-wal')).size),
    makeRoom: (node) => limit(node, 'unlimited'),
    remove: () => directory.remove(),
  };
}

function append(file: string, piece: Buffer): void {
  try {
    for (;;) writeFileSync(file, piece, { flag: 'a' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    mountSmallDisk().remove();
    return true;
  } catch {
    return false;
  }
}

import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { PROJECT_FOLDER } from './project-folder.ts';

const PACKAGES = join(PROJECT_FOLDER, 'node_modules');
const WRITABLE_BY_OTHERS = 0o022;

export interface CompileCacheOptions {
  /** Where it lies: who can write there can change the code itself. */
  readonly packages?: string;
  /** Undefined on Windows, which does not tell who else may write a folder: there nothing is kept. */
  readonly user?: number | undefined;
}

/**
 * Keeps compiled code on the disk, so that the next start takes half the time. What lies in the folder is run unchecked:
 * it must belong to this user, and no other may write it. Where there is none and none can be made, as in a read-only
 * installation, nothing is kept.
 */
export function useCompileCache({
  packages = PACKAGES,
  user = process.getuid?.(),
}: CompileCacheOptions = {}): void {
  if (user === undefined) return;
  const directory = join(packages, `.compile-cache-${user}`);
  // Portable: found again when the installation has moved as a whole.
  if (makePrivate(directory, user)) enableCompileCache({ directory, portable: true });
}

/** Whether the folder is there and private; makes it where it is missing. */
function makePrivate(directory: string, user: number): boolean {
  try {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
    const found = lstatSync(directory);
    return found.isDirectory() && found.uid === user && (found.mode & WRITABLE_BY_OTHERS) === 0;
  } catch {
    // Missing, and it cannot be made; or another process makes it at this moment.
    return false;
  }
}

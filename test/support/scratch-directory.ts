import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchDirectory {
  readonly path: string;
  remove(): void;
}

/** Those that are still there. */
const paths = new Set<string>();
process.once('exit', () => paths.forEach(removeFiles));

/** A new directory under the system's temporary one, removed at the latest when this process exits. */
export function createScratchDirectory(name: string): ScratchDirectory {
  const path = mkdtempSync(join(tmpdir(), `curfew-${name}-`));
  paths.add(path);
  return {
    path,
    remove() {
      paths.delete(path);
      removeFiles(path);
    },
  };
}

function removeFiles(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}

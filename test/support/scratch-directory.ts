import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchDirectory {
  readonly path: string;
  remove(): void;
}

/** A new directory under the system's temporary one, removed at the latest when this process exits. */
export function createScratchDirectory(name: string): ScratchDirectory {
  const path = mkdtempSync(join(tmpdir(), `curfew-${name}-`));
  const removeFiles = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', removeFiles);
  return {
    path,
    remove() {
      process.off('exit', removeFiles);
      removeFiles();
    },
  };
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProject } from '../../support/copy-project.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';

export interface Patch {
  /** Below src/. */
  readonly file: string;
  /** What stands there, once. */
  readonly from: string;
  readonly to: string;
}

/** A copy of the server with a fault built in. */
export interface Mutant {
  readonly folder: string;
  remove(): void;
}

const COPIED = ['src', 'views', 'public', 'package.json', '.env.example'];

/** Throws when a patch does not fit any more: a mutation that changes nothing would prove nothing. */
export function createMutant(patches: readonly Patch[]): Mutant {
  const directory = createScratchDirectory('mutant');
  copyProject(directory.path, COPIED);
  for (const { file, from, to } of patches) {
    const path = join(directory.path, 'src', file);
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`src/${file} does not hold this once:\n${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return {
    folder: directory.path,
    remove: () => directory.remove(),
  };
}

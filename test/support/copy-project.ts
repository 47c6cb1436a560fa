import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const PROJECT = resolve(import.meta.dirname, '../..');

/** Copies these parts of the project into a folder, and links the packages. With cp, at a tenth of what node:fs takes. */
export function copyProject(folder: string, parts: readonly string[]): void {
  execFileSync('cp', ['-R', ...parts.map((part) => join(PROJECT, part)), folder]);
  linkIntoProject(folder, ['node_modules']);
}

/** Links what is only read. */
export function linkIntoProject(folder: string, parts: readonly string[]): void {
  for (const part of parts) symlinkSync(join(PROJECT, part), join(folder, part));
}

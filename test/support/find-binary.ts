import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface BinaryOptions {
  /** The Debian package that holds it. */
  readonly debianPackage: string;
  /** Looked into before the PATH, in this order. */
  readonly directories?: readonly string[];
}

/** The absolute path of a program. Throws an error that names the package to install. */
export function findBinary(name: string, { debianPackage, directories = [] }: BinaryOptions): string {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  const found = [...directories, ...path].map((directory) => join(directory, name)).find(isExecutable);
  if (found === undefined)
    throw new Error(
      `${name} is not installed, and the tests run against the real one: apt-get install ${debianPackage}`,
    );
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

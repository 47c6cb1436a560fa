import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScratchDirectory } from './scratch-directory.ts';

/** What GATEWAY_RULES names, in a folder of its own. */
export interface RulesFile {
  readonly path: string;
  write(text: string): void;
  /** With its folder. */
  remove(): void;
}

export function createRulesFile(text = 'rules: []\n'): RulesFile {
  const folder = createScratchDirectory('gateway');
  const path = join(folder.path, 'gateway.yaml');
  const file: RulesFile = { path, write: (rules) => writeFileSync(path, rules), remove: folder.remove };
  file.write(text);
  return file;
}

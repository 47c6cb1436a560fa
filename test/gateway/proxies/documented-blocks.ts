import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../../..');

/** The text of a file of the project. */
export const projectText = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The code of a page in one language, in its sequence, without the indentation of the list that it stands in. */
export function documentedBlocks(page: string, language: string): readonly string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\`$`, 'gms');
  return [...projectText(page).matchAll(fence)].map(([, indent = '', code = '']) =>
    code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** The block whose first line is a comment with this file's name. Throws where there is none. */
export function documentedFile(page: string, language: string, file: string): string {
  const found = documentedBlocks(page, language).find((code) => code.startsWith(`# ${file}`));
  if (found === undefined) throw new Error(`${page} has no ${language} block for ${file}`);
  return found;
}

/** Puts a test's addresses into a documented configuration. Throws where what is to be replaced is not there any more. */
export function localise(text: string, replacements: readonly (readonly [RegExp, string])[]): string {
  return replacements.reduce((result, [pattern, replacement]) => {
    const replaced = result.replaceAll(pattern, replacement);
    if (replaced === result) throw new Error(`Nothing in the documented configuration is like ${pattern}`);
    return replaced;
  }, text);
}

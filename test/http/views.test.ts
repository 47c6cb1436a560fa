import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const NAMED = /render(?:Page|)\([^'`;]*['`]([\w/-]+\/[\w-]+|[\w/-]+\/\$\{\w+\})['`]/g;

test('each view that a page names is there', () => {
  const names = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(NAMED)].map(([, name = '']) => name),
  );
  expect(new Set(names).size).toBeGreaterThan(45);
  const missing = names.filter((name) =>
    name.includes('$')
      ? !existsSync(join(ROOT, 'views', dirname(name)))
      : !existsSync(join(ROOT, 'views', `${name}.ejs`)),
  );
  expect(missing).toEqual([]);
});

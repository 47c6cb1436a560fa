import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const USER = process.getuid?.() ?? 0;
const PRINT_CACHE = `
  import { getCompileCacheDir } from 'node:module';
  import { useCompileCache } from '${join(PROJECT, 'src/boot/compile-cache.ts')}';
  useCompileCache(JSON.parse(process.argv[1]));
  process.stdout.write(getCompileCacheDir() ?? 'none');
`;

describe('the compile cache', () => {
  let scratch: ScratchDirectory;
  let packages: string;
  let cache: string;
  beforeEach(() => {
    scratch = createScratchDirectory('compile-cache');
    packages = join(scratch.path, 'node_modules');
    cache = join(packages, `.compile-cache-${USER}`);
    mkdirSync(packages);
  });
  afterEach(() => scratch.remove());

  const cacheIn = (folder: string, options: { readonly user?: number } = {}): string =>
    execFileSync(
      process.execPath,
      ['--input-type=module', '-e', PRINT_CACHE, JSON.stringify({ packages: folder, ...options })],
      { encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );

  it('lies beside the packages, in a folder that is for its user alone', () => {
    expect(cacheIn(packages).startsWith(`${cache}/`)).toBe(true);
    expect(lstatSync(cache).mode & 0o777).toBe(0o700);
    expect(cacheIn(packages).startsWith(`${cache}/`)).toBe(true);
  });

  it.each([0o770, 0o702])('is not used where others may write its folder (%o)', (mode) => {
    mkdirSync(cache);
    chmodSync(cache, mode);
    expect(cacheIn(packages)).toBe('none');
  });

  it('is not used where the folder belongs to another user', () => {
    mkdirSync(join(packages, `.compile-cache-${USER + 1}`), { mode: 0o700 });
    expect(cacheIn(packages, { user: USER + 1 })).toBe('none');
  });

  it('is not used through a link to another place', () => {
    const elsewhere = join(scratch.path, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, cache);
    expect(cacheIn(packages)).toBe('none');
  });

  it('is done without where no folder can be made', () => {
    const file = join(scratch.path, 'file');
    writeFileSync(file, '');
    expect(cacheIn(file)).toBe('none');
    expect(cacheIn(join(scratch.path, 'missing'))).toBe('none');
  });

  it.each([
    ['the command line', ['src/cli/main.ts', '--help']],
    ['the server', ['src/main.ts']],
  ])('is filled by %s', (_name, [main = '', ...args]) => {
    execFileSync('cp', ['-R', join(PROJECT, 'src'), join(PROJECT, 'package.json'), scratch.path]);
    const installed = readdirSync(join(PROJECT, 'node_modules'));
    for (const name of installed.filter((name) => !name.startsWith('.compile-cache')))
      symlinkSync(join(PROJECT, 'node_modules', name), join(packages, name));
    // In production and without settings the server says so and ends.
    const env = { PATH: process.env['PATH'], NODE_ENV: 'production' };
    spawnSync(process.execPath, [join(scratch.path, main), ...args], { env });
    expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(10);
  });
});

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEnvFile, writeFirstEnvFile } from '../../src/boot/env-file.ts';
import { parseConfig } from '../../src/config.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../.env.example');
const refusal = vi.hoisted(() => ({ code: '', before: () => undefined as unknown }));

// exFAT and some mounts have no hard links; to mount one here would take root.
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  linkSync() {
    refusal.before();
    throw Object.assign(new Error(`${refusal.code}: no links here`), { code: refusal.code });
  },
}));

describe('the first .env where files cannot be linked', () => {
  let directory: ScratchDirectory;
  let file: string;
  beforeEach(() => {
    directory = createScratchDirectory('env-file');
    file = join(directory.path, '.env');
    refusal.before = () => undefined;
  });
  afterEach(() => directory.remove());

  it.each(['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EACCES'])(
    'is written all the same (%s), whole, for its owner only, and nothing beside it',
    (code) => {
      refusal.code = code;
      expect(writeFirstEnvFile(file, EXAMPLE)).toBe(true);
      expect(parseConfig(readEnvFile(file)).port).toBe(5000);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readdirSync(directory.path)).toEqual(['.env']);
      expect(writeFirstEnvFile(file, EXAMPLE)).toBe(false);
    },
  );

  it('never replaces one that came in between', () => {
    refusal.code = 'EPERM';
    refusal.before = () => writeFileSync(file, 'PORT=1234\n');
    expect(writeFirstEnvFile(file, EXAMPLE)).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('PORT=1234\n');
    expect(readdirSync(directory.path)).toEqual(['.env']);
  });
});

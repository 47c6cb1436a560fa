import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FORMER_MIGRATIONS, SQUASHED_MIGRATIONS } from '../../../src/storage/former-migrations.ts';

const FOLDER = join(import.meta.dirname, '../../../src/storage/migrations');
/** Name and checksum of each migration. A new migration adds its line; no line changes or goes. */
const RELEASED = z
  .record(z.string(), z.string())
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, 'released.json'), 'utf8')));

const NAMES = readdirSync(FOLDER)
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();
const read = (name: string): string => readFileSync(join(FOLDER, `${name}.ts`), 'utf8');

/** Of the code alone: comments and layout may change. */
function checksum(source: string): string {
  const code = source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/,(?=\s*[)\]}])/g, '')
    .replace(/\s+/g, '');
  return createHash('sha256').update(code).digest('hex').slice(0, 32);
}

describe('the migrations', () => {
  it('are those that are recorded, each as it was when it was recorded', () => {
    expect(Object.fromEntries(NAMES.map((name) => [name, checksum(read(name))]))).toEqual(RELEASED);
  });

  it('begin with the squashed ones, which stand for the former ones and share no name with them', () => {
    expect(NAMES.slice(0, SQUASHED_MIGRATIONS.length)).toEqual(SQUASHED_MIGRATIONS);
    expect(NAMES.filter((name) => FORMER_MIGRATIONS.includes(name))).toEqual([]);
  });

  it('use Kysely and nothing of the program, so that no later change of it changes them', () => {
    const imports = NAMES.flatMap((name) => [...read(name).matchAll(/^import .*$/gm)].map(([line]) => line));
    expect(new Set(imports.filter((line) => !/ from 'kysely';$/.test(line)))).toEqual(
      new Set(["import type { MigrationContext } from '../migrate.ts';"]),
    );
  });

  it('have checksums that see a changed column and no changed comment', () => {
    const source = read('0002-accounts');
    expect(checksum(source.replace("'email', 'text'", "'email', 'integer'"))).not.toBe(checksum(source));
    expect(checksum(source.replace('Users, their', 'People, their').replaceAll('\n', '\n  '))).toBe(
      checksum(source),
    );
  });
});

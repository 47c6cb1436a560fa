import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScratchDirectory } from './support/scratch-directory.ts';

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

const PROJECT = resolve(import.meta.dirname, '..');
const SHARED = ['node_modules', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs'];

/** A small house that keeps every rule. */
const SOUND = {
  'main.ts': "import './app.ts';",
  'app.ts': "import './compose.ts'; import './accounts/routes.ts'; import './admin/page.ts';",
  'compose.ts': "import './config.ts'; import './accounts/user-store.ts'; import './broker/connection.ts';",
  'config.ts': "import './core/clock.ts';",
  'errors.ts': 'export {};',
  'accounts/routes.ts': "import '../sessions/revoker.ts'; import 'express';",
  'accounts/user-store.ts': "import 'kysely'; import '../storage/database.ts'; import './username.ts';",
  'accounts/username.ts': "import '../core/clock.ts';",
  'broker/connection.ts': "import '../http/page.ts'; import 'node:crypto';",
  'sessions/revoker.ts': "import '../storage/database.ts'; import '../http/page.ts'; import '../errors.ts';",
  'storage/database.ts': "import 'pg'; import 'better-sqlite3'; import 'ioredis'; import '../core/clock.ts';",
  'http/page.ts': "import type { Redis } from 'ioredis'; import '../errors.ts'; export type R = Redis;",
  'core/clock.ts': "import 'luxon'; import type { Cutoff } from './cutoff.ts'; export type Clock = Cutoff;",
  'core/cutoff.ts': "import type { Clock } from './clock.ts'; export type Cutoff = Clock;",
  'cli/main.ts': "import '../compose.ts';",
  'admin/page.ts': "import '../accounts/username.ts'; import 'express';",
};

/** A rule, a module that breaks it, and how. */
const BREACHES = [
  ['no-circles', 'core/circle-a.ts', "import './circle-b.ts';"],
  ['core-is-pure', 'core/uses-errors.ts', "import '../errors.ts';"],
  ['core-is-pure', 'core/uses-node.ts', "import 'node:fs';"],
  [
    'core-is-pure',
    'core/uses-package-type.ts',
    "import type { Request } from 'express'; export type R = Request;",
  ],
  ['storage-imports-downwards', 'storage/uses-http.ts', "import '../http/page.ts';"],
  ['storage-imports-downwards', 'storage/uses-config.ts', "import '../config.ts';"],
  ['http-imports-downwards', 'http/uses-storage.ts', "import '../storage/database.ts';"],
  ['http-imports-downwards', 'http/uses-sessions.ts', "import '../sessions/revoker.ts';"],
  ['sessions-imports-downwards', 'sessions/uses-feature.ts', "import '../accounts/username.ts';"],
  ['revocation-imports-downwards', 'revocation/uses-sessions.ts', "import '../sessions/revoker.ts';"],
  ['features-stay-apart', 'broker/uses-admin.ts', "import '../admin/page.ts';"],
  ['features-import-downwards', 'admin/uses-compose.ts', "import '../compose.ts';"],
  ['features-stay-apart', 'broker/uses-accounts.ts', "import '../accounts/username.ts';"],
  [
    'features-stay-apart',
    'broker/uses-type.ts',
    "import type { U } from '../accounts/username.ts'; export type A = U;",
  ],
  ['features-stay-apart', 'brand-new-feature/uses-broker.ts', "import '../broker/connection.ts';"],
  ['features-import-downwards', 'broker/uses-config.ts', "import '../config.ts';"],
  ['features-import-downwards', 'broker/uses-compose.ts', "import '../compose.ts';"],
  ['only-the-composition-imports-features', 'uses-broker.ts', "import './broker/connection.ts';"],
  ['nothing-imports-the-entries', 'uses-main.ts', "import './main.ts';"],
  ['nothing-imports-the-entries', 'cli/uses-entry.ts', "import './main.ts';"],
  ['better-sqlite3-stays-in-its-folder', 'accounts/sqlite-store.ts', "import 'better-sqlite3';"],
  ['pg-stays-in-its-folder', 'accounts/postgres-store.ts', "import 'pg';"],
  ['kysely-stays-in-its-folder', 'accounts/uses-kysely.ts', "import { sql } from 'kysely'; export { sql };"],
  [
    'ioredis-stays-in-its-folder',
    'sessions/uses-redis.ts',
    "import { Redis } from 'ioredis'; export { Redis };",
  ],
  ['no-development-packages', 'http/uses-dev-package.ts', "import 'supertest';"],
  ['no-unlisted-packages', 'http/uses-unlisted.ts', "import 'qs';"],
  ['no-broken-imports', 'http/uses-nothing.ts', "import './gone.ts';"],
] as const;

describe('the walls between the folders', () => {
  const tree = createScratchDirectory('walls');
  let violations: readonly Violation[];

  beforeAll(() => {
    for (const name of SHARED) symlinkSync(join(PROJECT, name), join(tree.path, name));
    for (const [file, text] of Object.entries(SOUND)) write(file, text);
    for (const [, file, text] of BREACHES) write(file, text);
    // A circle is reported once, at the module where it is found first.
    write('core/circle-b.ts', "import './circle-a.ts';");
    violations = cruise();
  });
  afterAll(() => tree.remove());

  it.each(BREACHES)('%s: refuses %s', (rule, file) => {
    expect(rulesBrokenBy(file)).toContain(rule);
  });

  it.each(Object.keys(SOUND).filter((file) => !file.endsWith('main.ts')))('let %s pass', (file) => {
    expect(rulesBrokenBy(file)).toEqual([]);
  });

  it('no-orphans: refuses a module that nothing reaches', () => {
    const dead = violations.filter(({ rule }) => rule.name === 'no-orphans').map(({ to }) => to);
    expect(dead).toContain('src/http/uses-nothing.ts');
    expect(dead).not.toContain('src/core/cutoff.ts');
  });

  function rulesBrokenBy(file: string): readonly string[] {
    return violations.filter(({ from }) => from === `src/${file}`).map(({ rule }) => rule.name);
  }

  function write(file: string, text: string): void {
    const path = join(tree.path, 'src', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
  }

  function cruise(): readonly Violation[] {
    const depcruise = join(PROJECT, 'node_modules/.bin/depcruise');
    const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'];
    const { stdout, stderr } = spawnSync(process.execPath, [depcruise, ...args], {
      cwd: tree.path,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
  }
});

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROJECT = join(import.meta.dirname, '../..');

/** What is compared must stay comparable: both stacks show the same page, and every answer is the right one. */
test('the benchmarks of the guarded page and of the gateway run', async () => {
  const args = ['bench/run.ts', 'page', 'gateway', '--sqlite', '--rounds', '1', '--seconds', '0.5'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PROJECT });
  expect(stdout).toContain('Curfew /dashboard');
  expect(stdout).toContain('/authz/nginx');
  expect(stdout).toMatch(/guarded page, CPU against plain {3,}\d+\.\d\d {3,}/);
  expect(stdout).toMatch(/Written to .*\.json\n$/);
}, 180_000);

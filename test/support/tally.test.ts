import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createScratchDirectory } from './scratch-directory.ts';
import { tally } from './tally.ts';
import { parseReport, type TestReport } from './test-report.ts';

const PROJECT = join(import.meta.dirname, '../..');

describe('the tally of a test run', () => {
  it('counts what passed', () => {
    expect(tally(report('passed', ['passed', 'passed']), 0)).toEqual({
      passed: 2,
      failures: [],
      passedBefore: [],
    });
  });

  it.each(['failed', 'skipped', 'pending', 'todo'])('counts a test that is %s as failed', (status) => {
    const { passed, failures } = tally(report('passed', ['passed', status]), 0);
    expect(passed).toBe(1);
    expect(failures).toEqual([`${status}: a.test.ts: test 1`]);
  });

  it('counts a file that could not be loaded as failed', () => {
    expect(tally(report('failed', []), 1).failures).toEqual(['failed: a.test.ts: why']);
  });

  it('counts a file whose setup failed besides the tests that it kept from running', () => {
    expect(tally(report('failed', ['skipped']), 1).failures).toHaveLength(2);
  });

  it('counts an error outside of the tests as failed', () => {
    expect(tally(report('passed', ['passed']), 1)).toEqual({
      passed: 1,
      failures: ['the run ended with status 1'],
      passedBefore: [],
    });
  });

  it('counts a run without a report or without tests as failed', () => {
    expect(tally(undefined, 0).failures).toHaveLength(1);
    expect(tally({ planned: [], started: [], testResults: [] }, 0).failures).toHaveLength(1);
  });

  it('says of a run that was cut off which files had passed, which were cut off and which were not run', () => {
    const whole = report('passed', ['passed', 'passed']);
    const planned = ['a.test.ts', 'b.test.ts', 'c.test.ts'];
    expect(tally({ ...whole, planned, started: ['a.test.ts', 'b.test.ts'] }, 143)).toEqual({
      passed: 2,
      failures: ['cut off: b.test.ts', 'not run: c.test.ts'],
      passedBefore: ['a.test.ts'],
    });
  });

  it('reads a report whose last line is half written', () => {
    const text = '{"planned":["a.test.ts"]}\n{"started":"a.test.ts"}\n{"ended":{"na';
    expect(parseReport(text)).toEqual({ planned: ['a.test.ts'], started: ['a.test.ts'], testResults: [] });
    expect(parseReport('')).toBeUndefined();
  });

  it('is still there of a run that is killed: of what had ended by then', { timeout: 60_000 }, async () => {
    const folder = createScratchDirectory('tally');
    onTestFinished(() => folder.remove());
    const file = (name: string, body: string) =>
      writeFileSync(join(folder.path, name), `import { it } from 'vitest';\n${body}\n`);
    file('a.test.ts', "it('passes', () => undefined);");
    file('b.test.ts', "it('fails', () => { throw new Error('no'); });");
    file('c.test.ts', "it('hangs', () => new Promise(() => undefined), 600_000);");
    const reportFile = join(folder.path, 'report');
    const run = spawn(
      process.execPath,
      [
        join(PROJECT, 'node_modules/vitest/vitest.mjs'),
        'run',
        `--root=${folder.path}`,
        '--maxWorkers=2',
        `--reporter=${join(PROJECT, 'test/support/report-writer.ts')}`,
      ],
      { cwd: PROJECT, env: { PATH: process.env['PATH'], TEST_REPORT: reportFile }, stdio: 'ignore' },
    );
    const closed = once(run, 'close');
    await expect.poll(() => progressOf(reportFile), { timeout: 50_000 }).toEqual({ started: 3, ended: 2 });
    run.kill('SIGKILL');
    await closed;

    const script = join(PROJECT, 'test/support/print-tally.ts');
    const printed = await promisify(execFile)(process.execPath, [script, reportFile, '137']);
    expect(printed.stdout).toBe('1 2\n');
    expect(printed.stderr).toContain('passed: a.test.ts\n');
    expect(printed.stderr).toContain('failed: b.test.ts: fails\n');
    expect(printed.stderr).toContain('cut off: c.test.ts\n');
  });
});

function progressOf(reportFile: string): { readonly started: number; readonly ended: number } {
  const text = existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : '';
  const { started = [], testResults = [] } = parseReport(text) ?? {};
  return { started: started.length, ended: testResults.length };
}

function report(status: string, tests: readonly string[]): TestReport {
  const assertionResults = tests.map((test, index) => ({ fullName: `test ${index}`, status: test }));
  return {
    planned: ['a.test.ts'],
    started: ['a.test.ts'],
    testResults: [{ name: 'a.test.ts', status, message: 'why', assertionResults }],
  };
}

import { describe, expect, it } from 'vitest';
import { type TestReport, tally } from './tally.ts';

describe('the tally of a test run', () => {
  it('counts what passed', () => {
    expect(tally(report('passed', ['passed', 'passed']), 0)).toEqual({ passed: 2, failures: [] });
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
    });
  });

  it('counts a run without a report or without tests as failed', () => {
    expect(tally(undefined, 0).failures).toHaveLength(1);
    expect(tally({ testResults: [] }, 0).failures).toHaveLength(1);
  });
});

function report(status: string, tests: readonly string[]): TestReport {
  const assertionResults = tests.map((test, index) => ({ fullName: `test ${index}`, status: test }));
  return { testResults: [{ name: 'a.test.ts', status, message: 'why', assertionResults }] };
}

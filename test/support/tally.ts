import type { FileResult, TestReport } from './test-report.ts';

export interface Tally {
  readonly passed: number;
  /** One line for each that counts as failed. */
  readonly failures: readonly string[];
  /** Of a run that did not come to its end: the files that had passed by then. */
  readonly passedBefore: readonly string[];
}

/**
 * Counts what passed and what did not. A test that was skipped did not pass; neither did a file that could not be
 * loaded, one that the end of the run left unfinished, nor a run that ended with an error outside of its tests.
 */
export function tally(report: TestReport | undefined, exitStatus: number): Tally {
  if (report === undefined) return { passed: 0, failures: ['the run left no report'], passedBefore: [] };
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name })),
  );
  const unfinished = unfinishedIn(report);
  const failures = [
    ...tests
      .filter(({ status }) => status !== 'passed')
      .map(({ file, fullName, status }) => `${status}: ${file}: ${fullName}`),
    ...report.testResults.filter(isBroken).map(({ name, message }) => `failed: ${name}: ${message ?? ''}`),
    ...unfinished,
  ];
  const passed = tests.length - tests.filter(({ status }) => status !== 'passed').length;
  const passedBefore = unfinished.length === 0 ? [] : passedIn(report);
  if (failures.length > 0) return { passed, failures, passedBefore };
  if (exitStatus !== 0)
    return { passed, failures: [`the run ended with status ${exitStatus}`], passedBefore };
  if (passed === 0) return { passed, failures: ['there are no tests'], passedBefore };
  return { passed, failures, passedBefore };
}

/** The file failed, and no test in it tells so. */
function isBroken({ status, assertionResults }: FileResult): boolean {
  return status === 'failed' && assertionResults.every((test) => test.status !== 'failed');
}

function unfinishedIn({ planned, started, testResults }: TestReport): readonly string[] {
  const ended = new Set(testResults.map(({ name }) => name));
  return planned
    .filter((name) => !ended.has(name))
    .map((name) => `${started.includes(name) ? 'cut off' : 'not run'}: ${name}`);
}

function passedIn({ testResults }: TestReport): readonly string[] {
  return testResults.filter(({ status }) => status === 'passed').map(({ name }) => name);
}

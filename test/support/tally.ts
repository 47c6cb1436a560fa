/** What is read of the report that vitest's JSON reporter writes. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

export interface Tally {
  readonly passed: number;
  /** One line for each that counts as failed. */
  readonly failures: readonly string[];
}

/**
 * Counts what passed and what did not. A test that was skipped did not pass; neither did a file that could not be
 * loaded, nor a run that ended with an error outside of its tests.
 */
export function tally(report: TestReport | undefined, exitStatus: number): Tally {
  if (report === undefined) return { passed: 0, failures: ['the run left no report'] };
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name })),
  );
  const failures = [
    ...tests
      .filter(({ status }) => status !== 'passed')
      .map(({ file, fullName, status }) => `${status}: ${file}: ${fullName}`),
    ...report.testResults.filter(isBroken).map(({ name, message }) => `failed: ${name}: ${message ?? ''}`),
  ];
  const passed = tests.length - tests.filter(({ status }) => status !== 'passed').length;
  if (failures.length > 0) return { passed, failures };
  if (exitStatus !== 0) return { passed, failures: [`the run ended with status ${exitStatus}`] };
  if (passed === 0) return { passed, failures: ['there are no tests'] };
  return { passed, failures };
}

/** The file failed, and no test in it tells so. */
function isBroken({ status, assertionResults }: TestReport['testResults'][number]): boolean {
  return status === 'failed' && assertionResults.every((test) => test.status !== 'failed');
}

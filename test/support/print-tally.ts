import { readFileSync } from 'node:fs';
import { tally } from './tally.ts';
import { parseReport, type TestReport } from './test-report.ts';

/** For bin/test: prints `PASSED FAILED` of a run, and on the error stream each failure, and how far a cut-off run came. */
const [reportFile = '', exitStatus = '1'] = process.argv.slice(2);
const { passed, failures, passedBefore } = tally(readReport(reportFile), Number(exitStatus));
for (const file of passedBefore) process.stderr.write(`passed: ${file}\n`);
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.stdout.write(`${passed} ${failures.length}\n`);

function readReport(file: string): TestReport | undefined {
  try {
    return parseReport(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

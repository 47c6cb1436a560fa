import { readFileSync } from 'node:fs';
import { type TestReport, tally } from './tally.ts';

/** For bin/test: prints `PASSED FAILED` of a run, and each failure on the error stream. */
const [reportFile = '', exitStatus = '1'] = process.argv.slice(2);
const { passed, failures } = tally(readReport(reportFile), Number(exitStatus));
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.stdout.write(`${passed} ${failures.length}\n`);

function readReport(file: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestReport;
  } catch {
    return undefined;
  }
}

/** One test file, when it has ended. */
export interface FileResult {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
}

/** A line of the report: it is written while the tests run, so that a run that is cut off leaves what it knew. */
export type ReportLine =
  | { readonly planned: readonly string[] }
  | { readonly started: string }
  | { readonly ended: FileResult };

/** How far a run came. */
export interface TestReport {
  readonly planned: readonly string[];
  readonly started: readonly string[];
  readonly testResults: readonly FileResult[];
}

/** Undefined without a first whole line. The last line may be half written. */
export function parseReport(text: string): TestReport | undefined {
  const lines = text.split('\n').slice(0, -1);
  if (lines.length === 0) return undefined;
  const entries = lines.map((line) => JSON.parse(line) as ReportLine);
  return {
    planned: entries.flatMap((entry) => ('planned' in entry ? entry.planned : [])),
    started: entries.flatMap((entry) => ('started' in entry ? [entry.started] : [])),
    testResults: entries.flatMap((entry) => ('ended' in entry ? [entry.ended] : [])),
  };
}

import type { Log } from '../../src/core/log.ts';

export interface LogLine {
  readonly level: keyof Log;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that a test can read. */
export function createRecordingLog(): Log & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: keyof Log) =>
    (facts: object, message: string): void =>
      void lines.push({ level, facts: facts as LogLine['facts'], message });
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

import { type FileHandle, open } from 'node:fs/promises';
import { Option } from 'commander';
import { describeRange, type ExportRange, writeAuditExport } from '../audit/audit-export.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { readInstant } from './instant.ts';
import { toJson } from './json.ts';
import { printable } from './printable.ts';
import { withServices } from './with-services.ts';

interface ExportAuditOptions extends ExportRange {
  readonly output?: string;
  readonly json?: boolean;
}

export const command: CliCommand<ExportAuditOptions> = {
  options: [
    new Option(
      '--since <instant>',
      'from then on: ISO 8601, in Indian time unless it names an offset',
    ).argParser(readInstant),
    new Option('--until <instant>', 'up to then, exclusive').argParser(readInstant),
    new Option('--output <file>', 'write a new file with mode 0600; otherwise standard output'),
  ],
  run: exportAudit,
};

/** Writes the audit log as JSON Lines, its head last: to standard output, or into a new file for its owner alone. */
async function exportAudit(
  context: CommandContext,
  { since, until, output, json }: ExportAuditOptions,
): Promise<ExitCode> {
  const { terminal, clock } = context;
  const file = output === undefined ? undefined : await createFile(output);
  try {
    await withServices(context, async ({ audit, auditLog: { rows: auditRows } }) => {
      const scope = describeRange({ since, until });
      await audit.record({ type: 'export.taken', what: 'audit', scope }, CLI_ORIGIN);
      for await (const lines of writeAuditExport(auditRows, { since, until }, clock.now())) {
        if (file === undefined) await terminal.print(lines.trimEnd());
        else await file.write(lines);
      }
    });
    await file?.sync();
  } finally {
    await file?.close();
  }
  if (output !== undefined)
    await terminal.print(
      json
        ? toJson({ output })
        : `Wrote ${printable(output)}. To prove it: curfew audit verify --file ${printable(output)}`,
    );
  return 0;
}

async function createFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST')
      throw new CommandError(`${printable(path)} is there already: choose another name, or remove it.`);
    if (code === 'ENOENT') throw new CommandError(`There is no folder for ${printable(path)}.`);
    throw error;
  }
}

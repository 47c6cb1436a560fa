import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Argument, Option } from 'commander';
import { formatIst } from '../core/ist.ts';
import { MASTER_BROKERS } from '../symbols/formats/all-formats.ts';
import { type ImportOutcome, type ImportProgress, shareDone } from '../symbols/import-record.ts';
import type { StartedImport, SymbolImporter } from '../symbols/symbol-importer.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';
import { withServices } from './with-services.ts';

interface ImportSymbolsOptions {
  readonly file: string;
  readonly broker?: string;
  readonly json?: boolean;
}

const BAR_WIDTH = 30;

export const command: CliCommand<ImportSymbolsOptions> = {
  arguments: [new Argument('<file>', 'its file, plain or gzipped')],
  options: [
    new Option('--broker <id>', 'whose instruments; otherwise the columns tell').choices(MASTER_BROKERS),
  ],
  run: importSymbols,
};

/** Imports a broker's instrument master from a file, also beside a running server. */
async function importSymbols(context: CommandContext, options: ImportSymbolsOptions): Promise<ExitCode> {
  const { terminal } = context;
  const handle = await openFile(options.file);
  try {
    return await withServices(context, async ({ symbols: { importer: symbolImporter } }) => {
      const started = await begin(symbolImporter, options);
      const outcome = await started.run(handle, showingProgress(terminal));
      await terminal.print(options.json ? toJson(outcome) : describe(outcome));
      if (outcome.status === 'done') return 0;
      terminal.say(`curfew: ${outcome.problem}`);
      return 1;
    });
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw code === 'ENOENT' ? new CommandError(`There is no file ${printable(path)}.`) : error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new CommandError(`${printable(path)} is not a file.`);
}

async function begin(
  importer: SymbolImporter,
  { file, broker }: ImportSymbolsOptions,
): Promise<StartedImport> {
  const begun = await importer.begin({ fileName: basename(file), broker, origin: CLI_ORIGIN });
  if (begun.kind === 'started') return begun.started;
  const { running } = begun;
  const since =
    running === undefined ? '' : `, which ${running.requestedBy} began at ${formatIst(running.startedAt)}`;
  throw new CommandError(`Another import is running${since}. Try again when it is done.`);
}

/** A line for each stage, and a bar at a terminal; else a line for each quarter of the storing as well. */
function showingProgress(terminal: Terminal): (progress: ImportProgress) => void {
  let said = '';
  return (progress) => {
    const { stage, done, total } = progress;
    const quarter = terminal.interactive ? '' : `: ${Math.floor((done / total) * 4) * 25} %`;
    const line = stage === 'storing' ? `Storing ${total} instruments${quarter}` : 'Checking the file';
    if (line !== said) terminal.say(`${line} …`);
    said = line;
    terminal.showProgress(bar(shareDone(progress)));
  };
}

function bar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${Math.round(share * 100)} %`;
}

function describe(outcome: ImportOutcome): string {
  const { badLines, badLineSamples } = outcome;
  const heading =
    outcome.status === 'done'
      ? `Imported ${outcome.instruments} ${outcome.instruments === 1 ? 'instrument' : 'instruments'} (${outcome.broker}).`
      : 'Nothing was imported; what was there before is still in use.';
  if (badLines === 0) return heading;
  const lines = badLineSamples.map(({ number, why }) => `  line ${number}: ${printable(why)}`);
  const more = badLines > badLineSamples.length ? [`  and ${badLines - badLineSamples.length} more`] : [];
  return [heading, `Lines left out: ${badLines}`, ...lines, ...more].join('\n');
}

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { InvalidArgumentError, Option } from 'commander';
import { headText } from '../audit/audit-row-store.ts';
import { verifiedRows } from '../audit/audit-sentences.ts';
import { type ChainVerdict, verifyChain } from '../audit/chain-verification.ts';
import { verifyExport } from '../audit/export-verification.ts';
import type { ChainHead } from '../core/audit-chain.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { printable } from './printable.ts';
import { withServices } from './with-services.ts';

interface VerifyAuditOptions {
  /** A head that was kept elsewhere. */
  readonly head?: ChainHead;
  /** An export, in place of the database. */
  readonly file?: string;
  readonly json?: boolean;
}

export const command: CliCommand<VerifyAuditOptions> = {
  options: [
    new Option('--head <seq:hash>', 'a head that was kept elsewhere: it must be part of the chain').argParser(
      readChainHead,
    ),
    new Option('--file <export>', 'verify an export instead of the database'),
  ],
  run: verifyAudit,
};

/** Verifies the audit log, or an export of it, and says where its first broken link is. */
async function verifyAudit(
  context: CommandContext,
  { head: kept, file, json }: VerifyAuditOptions,
): Promise<ExitCode> {
  const { terminal } = context;
  const verdict =
    file === undefined
      ? await withServices(context, ({ auditLog: { rows: auditRows } }) =>
          verifyChain(auditRows, {
            kept,
            onProgress: (done, total) => terminal.showProgress(`${done} of ${total} rows …`),
          }),
        )
      : await verifyFile(context, file, kept);
  await terminal.print(json ? toJson(record(verdict)) : text(verdict, kept, file));
  if (verdict.problem === undefined) return 0;
  terminal.say(`curfew: ${verdict.problem.message} ${verdict.problem.advice}`);
  return 1;
}

async function verifyFile(
  { terminal }: CommandContext,
  file: string,
  kept: ChainHead | undefined,
): Promise<ChainVerdict> {
  const input = createReadStream(file, { encoding: 'utf8' });
  try {
    return await verifyExport(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), {
      kept,
      onProgress: (done) => terminal.showProgress(`${done} rows …`),
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new CommandError(`There is no file ${printable(file)}.`);
    if (code === 'EISDIR') throw new CommandError(`${printable(file)} is not a file.`);
    throw error;
  } finally {
    input.destroy();
  }
}

function record({ problem, rows, start, last, head }: ChainVerdict) {
  return {
    status: problem === undefined ? 'unbroken' : 'broken',
    rows,
    from: rows === 0 ? null : start.seq + 1,
    last: rows === 0 ? null : last,
    head: head ?? null,
    problem: problem ?? null,
  };
}

function text(verdict: ChainVerdict, kept: ChainHead | undefined, file: string | undefined): string {
  const { problem, rows, start, last, head } = verdict;
  const what = file === undefined ? 'The audit log' : 'The export';
  if (problem !== undefined)
    return `${what} is BROKEN at row ${problem.seq}. Rows verified before it: ${rows}.`;
  const lines = [rows === 0 ? withoutRows(what, file) : verifiedRows(start.seq + 1, last.seq)];
  if (file !== undefined && start.seq > 0)
    lines.push(`Rows before row ${start.seq + 1} are not in the file and were not verified.`);
  if (head !== undefined && head.seq > last.seq)
    lines.push(`The log goes on to row ${head.seq}, which the export was not asked for.`);
  if (kept !== undefined) lines.push(aboutKept(kept, verdict));
  if (head !== undefined) lines.push(`Head: ${headText(head)}`);
  return lines.join('\n');
}

/** A server writes a row when it starts for the first time, so most often the command looks at the wrong place. */
function withoutRows(what: string, file: string | undefined): string {
  return file === undefined
    ? `${what} has no rows: no server has run on this database. Is DATABASE_URL the right one?`
    : `${what} has no rows.`;
}

function aboutKept(kept: ChainHead, { start, last }: ChainVerdict): string {
  if (kept.seq > last.seq)
    return `The head that was kept, of row ${kept.seq}, lies behind what was asked for.`;
  return kept.seq >= Math.max(1, start.seq)
    ? `It agrees with the head that was kept, of row ${kept.seq}.`
    : `The head that was kept is of row ${kept.seq}, which is not there to be compared.`;
}

/** Reads a head that was kept elsewhere: `4711:` and 64 hexadecimal digits. Throws commander's error when it is none. */
function readChainHead(text: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text.trim());
  if (match === null)
    throw new InvalidArgumentError(
      'Write it as it was printed: the number of a row, a colon, and 64 digits.',
    );
  return { seq: Number(match[1]), hash: String(match[2]).toLowerCase() };
}

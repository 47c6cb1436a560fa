import type { CheckKeyReadiness } from '../broker/key-readiness-check.ts';
import type { ColumnRotation, RotationCount, RotationReport } from '../storage/key-rotation.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { withServices } from './with-services.ts';

interface RotateKeysOptions {
  readonly json?: boolean;
}

export const command: CliCommand<RotateKeysOptions> = {
  run: rotateKeys,
};

/**
 * Encrypts everything that ENCRYPTION_KEY protects with its first key, beside running servers, which must have that key
 * too. May be interrupted and called again: what the first key reads already is passed over.
 */
function rotateKeys(context: CommandContext, { json }: RotateKeysOptions): Promise<ExitCode> {
  const { terminal } = context;
  return withServices<ExitCode>(context, async ({ brokers, keyRotation }) => {
    await refuseWhereServersLag(brokers.checkKeyReadiness);
    let shown = '';
    const report = await keyRotation.run(CLI_ORIGIN, ({ column, done, total }) => {
      const name = nameOf(column);
      // Where the output is no terminal, one for each column tells how far it is.
      if (name !== shown) terminal.say(`Rotating ${name} (${total}) …`);
      shown = name;
      terminal.showProgress(`${name}: ${done} of ${total} …`);
    });
    const totals = sum(report);
    await terminal.print(json ? toJson(record(report, totals)) : text(report, totals));
    if (totals.unreadable === 0) return 0;
    terminal.say(
      `curfew: ${totals.unreadable} could not be read with any key in ENCRYPTION_KEY. Whose they are will be asked to connect or to enter their app keys again.`,
    );
    return 1;
  });
}

async function refuseWhereServersLag(callRoll: CheckKeyReadiness): Promise<void> {
  const { able, unable } = await callRoll();
  if (unable === 0) return;
  throw new CommandError(
    `Running servers without the first key of ENCRYPTION_KEY: ${unable} of ${able + unable}. What it encrypts they could not read, and would have people connect again and enter their app keys again. Restart them with this ENCRYPTION_KEY, then rotate. Nothing was changed.`,
  );
}

const nameOf = ({ table, column }: ColumnRotation['column']): string => `${table}.${column}`;

function sum(report: RotationReport): RotationCount {
  const of = (name: keyof RotationCount) => report.reduce((total, each) => total + each[name], 0);
  return {
    renewed: of('renewed'),
    current: of('current'),
    unreadable: of('unreadable'),
    changed: of('changed'),
  };
}

function record(report: RotationReport, totals: RotationCount) {
  return {
    ...totals,
    columns: report.map(({ column, ...count }) => ({ name: nameOf(column), ...count })),
  };
}

function text(report: RotationReport, totals: RotationCount): string {
  const width = Math.max(...report.map(({ column }) => nameOf(column).length));
  const lines = report.map((each) => `  ${nameOf(each.column).padEnd(width)}  ${countText(each)}`);
  return [
    'Encrypted with the first key of ENCRYPTION_KEY:',
    ...lines,
    `  ${'all'.padEnd(width)}  ${countText(totals)}`,
  ].join('\n');
}

function countText({ renewed, current, unreadable, changed }: RotationCount): string {
  const parts = [`${renewed} renewed`, `${current} were already`];
  if (changed > 0) parts.push(`${changed} changed meanwhile`);
  if (unreadable > 0) parts.push(`${unreadable} unreadable`);
  return parts.join(', ');
}

import { banRecord } from '../bans/ban-export.ts';
import { REASON_LABELS } from '../bans/ban-labels.ts';
import type { Ban } from '../bans/ban-store.ts';
import { toIstIso } from '../core/ist.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { printJsonList } from './json.ts';
import { type Column, printTable } from './table.ts';
import { withServices } from './with-services.ts';

export const command: CliCommand<{ readonly json?: boolean }> = {
  run: listBans,
};

/** Prints the bans that are in force, oldest first. */
function listBans(context: CommandContext, { json }: { readonly json?: boolean }): Promise<ExitCode> {
  const { terminal, clock } = context;
  return withServices<ExitCode>(context, async ({ bans }) => {
    const batches = bans.banStore.listAll(clock.now());
    if (json) {
      await printJsonList(terminal, 'bans', recordsOf(batches));
      return 0;
    }
    const count = await printTable(terminal, COLUMNS, batches);
    terminal.say(count === 1 ? '1 ban.' : `${count} bans.`);
    return 0;
  });
}

async function* recordsOf(batches: AsyncIterable<readonly Ban[]>) {
  for await (const bans of batches) yield bans.map(banRecord);
}

const COLUMNS: readonly Column<Ban>[] = [
  { heading: 'ADDRESS', value: (ban) => ban.subject },
  {
    heading: 'UNTIL (IST)',
    value: (ban) => (Number.isFinite(ban.until) ? shortIst(ban.until) : 'permanent'),
  },
  { heading: 'SINCE (IST)', value: (ban) => shortIst(ban.bannedAt) },
  { heading: 'BY', value: (ban) => ban.bannedBy },
  {
    heading: 'WHY',
    value: (ban) => [REASON_LABELS[ban.reason], ban.note].filter((part) => part !== '').join(': '),
  },
];

const shortIst = (instant: number): string => toIstIso(instant).slice(0, 19).replace('T', ' ');

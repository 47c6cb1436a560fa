import { Argument, Option } from 'commander';
import { banRecord } from '../bans/ban-export.ts';
import { banForm } from '../bans/ban-form.ts';
import { PROTECTED_LABELS } from '../bans/ban-labels.ts';
import { BAN_LENGTHS, type BanLength } from '../core/ban-policy.ts';
import { formatIst } from '../core/ist.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { withServices } from './with-services.ts';

interface AddBanOptions {
  readonly address: string;
  readonly for: BanLength;
  readonly reason?: string;
  readonly json?: boolean;
}

export const command: CliCommand<AddBanOptions> = {
  arguments: [new Argument('<address>')],
  options: [
    new Option('--for <length>', 'how long').choices(BAN_LENGTHS).default('24h'),
    new Option('--reason <words>', 'a note for other administrators'),
  ],
  run: addBan,
};

/** Bans an address, on every node. */
function addBan(context: CommandContext, options: AddBanOptions): Promise<ExitCode> {
  const { address, reason, json } = options;
  const order = banForm.safeParse({ address, length: options.for, note: reason });
  if (!order.success)
    throw new CommandError(`Nothing was banned. ${order.error.issues[0]?.message ?? 'That cannot be read.'}`);
  const { subject, length, note } = order.data;
  return withServices<ExitCode>(context, async ({ bans }) => {
    const done = await bans.bans.ban({ subject, length, note }, CLI_ORIGIN);
    if (done.kind === 'protected')
      throw new CommandError(`Nothing was banned. ${subject} ${PROTECTED_LABELS[done.why]}`);
    const { ban } = done;
    const end = Number.isFinite(ban.until) ? `until ${formatIst(ban.until)}` : 'permanently';
    await context.terminal.print(json ? toJson({ ban: banRecord(ban) }) : `Banned ${ban.subject} ${end}.`);
    return 0;
  });
}

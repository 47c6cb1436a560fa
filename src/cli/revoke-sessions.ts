import { Option } from 'commander';
import type { Receipt } from '../core/revocation.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { endEverybody, findEverybody } from './end-all-sessions.ts';
import { findUser } from './find-user.ts';
import { toJson } from './json.ts';
import { countOf, receiptRecord, receiptText, reportOutcome } from './receipt.ts';
import { withServices } from './with-services.ts';

interface RevokeSessionsOptions {
  readonly user?: string;
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<RevokeSessionsOptions> = {
  options: [
    new Option('--user <username>', 'of this user'),
    new Option('--all', 'of every user with a session or a broker token').conflicts('user'),
    new Option('--yes', 'do not ask before ending all'),
  ],
  misuse({ user, all, yes }, { terminal }) {
    if (user === undefined && !all) return 'say whose: --user USERNAME, or --all';
    return all && !yes && !terminal.interactive
      ? '--all without a terminal to ask at needs --yes'
      : undefined;
  },
  run: revokeSessions,
};

/** Ends accounts as an administrator's order: sessions, broker tokens, cached values. */
function revokeSessions(context: CommandContext, options: RevokeSessionsOptions): Promise<ExitCode> {
  const { user } = options;
  return user === undefined ? revokeAll(context, options) : revokeOne(context, user, options);
}

function revokeOne(
  context: CommandContext,
  username: string,
  { json }: RevokeSessionsOptions,
): Promise<ExitCode> {
  const { terminal } = context;
  return withServices(context, async (services) => {
    const user = await findUser(services, username);
    const receipt = await services.sessions.lifecycle.endAccount(user.id, 'ended_by_admin', CLI_ORIGIN);
    await terminal.print(json ? toJson(oneRecord(user.username, receipt)) : receiptText(receipt));
    return reportOutcome(context, receipt.status);
  });
}

function oneRecord(username: string, receipt: Receipt) {
  return {
    username,
    sessions: countOf(receipt, 'sessions'),
    brokerTokens: countOf(receipt, 'broker_tokens'),
    status: receipt.status,
    receipt: receiptRecord(receipt),
  };
}

function revokeAll(context: CommandContext, { yes, json }: RevokeSessionsOptions): Promise<ExitCode> {
  const { terminal } = context;
  return withServices(context, async (services) => {
    if (!yes) await confirm(context, (await findEverybody(services)).size);
    const totals = await endEverybody(services, CLI_ORIGIN, terminal.showProgress);
    const { people, sessions, brokerTokens, status } = totals;
    await terminal.print(
      json
        ? toJson(totals)
        : `People: ${people}, sessions ended: ${sessions}, broker tokens ended: ${brokerTokens}.`,
    );
    return reportOutcome(context, status);
  });
}

async function confirm({ terminal }: CommandContext, people: number): Promise<void> {
  const whom = people === 1 ? '1 person' : `${people} people`;
  const answer = await terminal.ask(
    `This ends every session and broker token of ${whom}, also those held until the cutoff; algorithms that trade with them stop. Type yes to go on: `,
  );
  if (answer.trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was ended.');
}

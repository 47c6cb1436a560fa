import { Option } from 'commander';
import type { Services } from '../compose.ts';
import type { AuditOrigin } from '../core/audit-event.ts';
import type { Receipt } from '../core/revocation.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
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

/** Totals of a revocation of all users. */
interface Totals {
  readonly people: number;
  readonly sessions: number;
  readonly brokerTokens: number;
  /** `queued` when a step of any of them failed and will be tried again. */
  readonly status: Receipt['status'];
}

/** The ids of all users with a session that could be used now, or an open broker connection. */
export async function findEverybody({ registry, brokers }: Services): Promise<ReadonlySet<string>> {
  const userIds = new Set<string>();
  for await (const sessions of registry.listAll()) for (const { userId } of sessions) userIds.add(userId);
  for await (const owners of brokers.openTokens.listOwnersOfOpen())
    for (const userId of owners) userIds.add(userId);
  return userIds;
}

/**
 * Ends each account by a revocation of its own. Then looks again, until no new one is found: a list that is read while
 * sessions end beside it can have holes, and a user in one must not stay signed in.
 */
async function endEverybody(
  services: Services,
  origin: AuditOrigin,
  showProgress: (text: string) => void,
): Promise<Totals> {
  const receipts = { people: 0, sessions: 0, brokerTokens: 0, status: 'done' as Receipt['status'] };
  const ended = new Set<string>();
  for (;;) {
    const left = [...(await findEverybody(services))].filter((userId) => !ended.has(userId));
    if (left.length === 0) return receipts;
    const total = ended.size + left.length;
    for (const userId of left) {
      showProgress(`Ending ${ended.size + 1} of ${total} …`);
      const receipt = await services.sessions.lifecycle.endAccount(userId, 'ended_by_admin', origin);
      ended.add(userId);
      receipts.people += 1;
      receipts.sessions += countOf(receipt, 'sessions');
      receipts.brokerTokens += countOf(receipt, 'broker_tokens');
      if (receipt.status === 'queued') receipts.status = 'queued';
    }
  }
}

import { Option } from 'commander';
import type { Services } from '../compose.ts';
import { formatIst, toIstIso } from '../core/ist.ts';
import type { Receipt } from '../core/revocation.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { readInstant } from './instant.ts';
import { toJson } from './json.ts';
import { countOf, receiptRecord, receiptText, reportOutcome } from './receipt.ts';
import { withServices } from './with-services.ts';

interface SweepOptions {
  /** Milliseconds since the epoch. */
  readonly at?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<SweepOptions> = {
  options: [
    new Option(
      '--at <instant>',
      'as if the cutoff was then: ISO 8601, in Indian time unless it names an offset',
    ).argParser(readInstant),
    new Option('--dry-run', 'only count what would end'),
  ],
  run: sweep,
};

/** Ends what is from before the last cutoff or an instant of the operator's own; or counts it. */
function sweep(context: CommandContext, { at, dryRun, json }: SweepOptions): Promise<ExitCode> {
  if (at !== undefined) refuseFuture(at, context.clock.now());
  return withServices(context, (services) => {
    const cutoff = at ?? lastCutoff(services);
    if (dryRun) return count(context, services, cutoff, json);
    return carryOut(context, services, { cutoff, ownInstant: at !== undefined, json });
  });
}

/** A sweep for the future would end sessions before their time, or not at all. */
function refuseFuture(instant: number, now: number): void {
  if (instant > now)
    throw new CommandError(`${formatIst(instant)} is still to come: --at takes the past only.`);
}

function lastCutoff({ calendar }: Services): number {
  const cutoff = calendar.last();
  if (Number.isFinite(cutoff)) return cutoff;
  throw new CommandError(
    'SESSION_EXPIRY_TIME is off, so there is no cutoff to carry out: --at ends what is from before an instant.',
  );
}

async function count(
  { terminal }: CommandContext,
  { registry, brokers }: Services,
  cutoff: number,
  json = false,
): Promise<ExitCode> {
  const sessions = await registry.countBefore(cutoff);
  const brokerTokens = await brokers.openTokens.countOpenBefore(cutoff);
  await terminal.print(
    json
      ? toJson({ cutoff: toIstIso(cutoff), dryRun: true, sessions, brokerTokens, receipt: null })
      : `From before ${formatIst(cutoff)}, a sweep would end:\n  sessions       ${sessions}\n  broker tokens  ${brokerTokens}\nNothing was changed.`,
  );
  return 0;
}

interface Order {
  readonly cutoff: number;
  readonly ownInstant: boolean;
  readonly json: boolean | undefined;
}

async function carryOut(
  context: CommandContext,
  services: Services,
  { cutoff, ownInstant, json }: Order,
): Promise<ExitCode> {
  const receipt = ownInstant ? await again(services, cutoff) : await asDue(services, cutoff);
  const record = {
    cutoff: toIstIso(cutoff),
    dryRun: false,
    sessions: countOf(receipt, 'sessions'),
    brokerTokens: countOf(receipt, 'broker_tokens'),
    receipt: receiptRecord(receipt),
  };
  const heading = `Everything from before ${formatIst(cutoff)}`;
  await context.terminal.print(json ? toJson(record) : `${heading}\n${receiptText(receipt)}`);
  return reportOutcome(context, receipt.status);
}

/**
 * A cutoff that is not swept yet is taken from the servers' list, so that none does it again. One that was swept is
 * looked at once more: a store that came back with old data has sessions from before it.
 */
async function asDue(services: Services, cutoff: number): Promise<Receipt> {
  return (await services.revocation.sweep.runIfDue(CLI_ORIGIN)) ?? again(services, cutoff);
}

async function again({ revocation }: Services, cutoff: number): Promise<Receipt> {
  const receipt = await revocation.sweep.run(cutoff, CLI_ORIGIN);
  if (receipt === undefined) throw new CommandError('The sweep could not be ordered: try again.');
  return receipt;
}

import type { CarriedOver } from '../../core/audit-event.ts';
import type { Receipt } from '../../core/revocation.ts';
import type { CommandContext, ExitCode } from '../command.ts';
import { toJson } from '../json.ts';
import { printable } from '../printable.ts';
import { receiptRecord, receiptText, reportOutcome } from '../receipt.ts';

export interface RestorationReport {
  readonly carriedOver: CarriedOver | undefined;
  /** Names of API keys that were revoked because nothing could tell whether they had been. */
  readonly revokedKeys: readonly string[];
  /** Of the revocation that ended everything; undefined where it is still to be carried out. */
  readonly receipt: Receipt | undefined;
  /** Where the database is that was there before. */
  readonly aside: string | undefined;
  readonly json: boolean | undefined;
}

/** Says what was done, and what the operator must still look through by hand. */
export async function reportRestoration(
  context: CommandContext,
  { carriedOver, revokedKeys, receipt, aside, json }: RestorationReport,
): Promise<ExitCode> {
  const { terminal } = context;
  await terminal.print(
    json
      ? toJson({
          restored: true,
          aside: aside ?? null,
          carriedOver: carriedOver ?? null,
          revokedKeys,
          receipt: receipt === undefined ? null : receiptRecord(receipt),
        })
      : [
          'Restored. All users are signed out, and no broker is connected.',
          ...(aside === undefined ? [] : [`The database that was there before: ${printable(aside)}`]),
          ...(carriedOver === undefined ? [] : carriedOverLines(carriedOver)),
          ...revokedKeyLines(revokedKeys),
          ...(receipt === undefined ? [] : [receiptText(receipt)]),
        ].join('\n'),
  );
  if (carriedOver === undefined) terminal.say(LOOK_THROUGH);
  return receipt === undefined ? 0 : reportOutcome(context, receipt.status);
}

const LOOK_THROUGH =
  'curfew: Could not read the previous database. Rights revoked since the backup are restored: check npx curfew users list (disabled people, old passwords, roles), npx curfew bans list, npx curfew api-keys list (with --keep-api-keys they live), and the strategies that were switched off.';

function revokedKeyLines(names: readonly string[]): readonly string[] {
  return names.length === 0
    ? []
    : [
        `API keys revoked, because nothing tells which of them had been since the backup: ${names.map(printable).join(', ')}. Their owners make new ones.`,
      ];
}

function carriedOverLines(carriedOver: CarriedOver): readonly string[] {
  const lines = NAMED.flatMap(({ key, words }) =>
    carriedOver[key].length === 0 ? [] : [`  ${words}: ${carriedOver[key].map(printable).join(', ')}`],
  );
  if (carriedOver.bans > 0) lines.push(`  bans: ${carriedOver.bans}`);
  return lines.length === 0 ? [] : ['Kept as it was, and not as in the backup:', ...lines];
}

const NAMED = [
  { key: 'disabled', words: 'disabled since' },
  { key: 'passwords', words: 'password changed since' },
  { key: 'demoted', words: 'no administrator any more' },
  { key: 'apiKeys', words: 'API keys revoked since' },
  { key: 'keyLimits', words: 'API keys whose addresses or end changed since' },
  { key: 'strategies', words: 'strategies switched off or changed since' },
] as const satisfies readonly { readonly key: keyof CarriedOver; readonly words: string }[];

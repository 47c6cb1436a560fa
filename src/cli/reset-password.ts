import { Argument, Option } from 'commander';
import { CLI_ORIGIN } from './cli-origin.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { unknownUser } from './find-user.ts';
import { PASSWORD_STDIN, readGivenPassword } from './given-password.ts';
import { toJson } from './json.ts';
import { receiptRecord, receiptText, reportOutcome } from './receipt.ts';
import { refusal } from './refusal.ts';
import { temporaryPasswordLines } from './temporary-password-lines.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

interface ResetPasswordOptions {
  readonly username: string;
  readonly passwordStdin?: boolean;
  readonly keepApiKeys?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<ResetPasswordOptions> = {
  arguments: [new Argument('<username>')],
  options: [PASSWORD_STDIN, new Option('--keep-api-keys', 'do not revoke the API keys')],
  run: resetPassword,
};

/** Sets a new password, and ends everything that began with the old one. */
async function resetPassword(
  context: CommandContext,
  { username, passwordStdin, keepApiKeys, json }: ResetPasswordOptions,
): Promise<ExitCode> {
  const { terminal } = context;
  const password = await readGivenPassword(terminal, passwordStdin);
  return withServices(context, async ({ accounts: { userAdmin } }) => {
    const done = await userAdmin.resetPassword(username, password, CLI_ORIGIN, { keepApiKeys });
    if (done.kind === 'unknown_user') throw unknownUser(username);
    if (done.kind === 'invalid') throw refusal(done.fields);
    const { user, temporaryPassword, receipt, revokedApiKeys } = done;
    await terminal.print(
      json
        ? toJson({
            user: userRecord(user),
            temporaryPassword: temporaryPassword ?? null,
            receipt: receiptRecord(receipt),
            revokedApiKeys,
          })
        : [
            `New password for ${user.username}.`,
            ...temporaryPasswordLines(temporaryPassword),
            receiptText(receipt),
            keepApiKeys ? 'API keys are kept.' : `API keys revoked: ${revokedApiKeys}.`,
          ].join('\n'),
    );
    return reportOutcome(context, receipt.status);
  });
}

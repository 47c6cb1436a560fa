import { CLI_ORIGIN } from './cli-origin.ts';
import type { CommandContext, ExitCode } from './command-context.ts';
import { unknownUser } from './find-user.ts';
import { toJson } from './json.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

export interface EnableUserOptions {
  readonly username: string;
  readonly json?: boolean;
}

/** Lets somebody sign in again who was disabled. */
export function enableUser(
  context: CommandContext,
  { username, json }: EnableUserOptions,
): Promise<ExitCode> {
  return withServices<ExitCode>(context, async ({ accounts: { userAdmin } }) => {
    const done = await userAdmin.enable(username, CLI_ORIGIN);
    if (done.kind === 'unknown_user') throw unknownUser(username);
    const { user } = done;
    await context.terminal.print(json ? toJson({ user: userRecord(user) }) : `Enabled ${user.username}.`);
    return 0;
  });
}

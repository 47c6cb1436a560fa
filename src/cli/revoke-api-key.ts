import { Argument } from 'commander';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { printable } from './printable.ts';
import { withServices } from './with-services.ts';

interface RevokeApiKeyOptions {
  /** The public part of the key. */
  readonly id: string;
  readonly json?: boolean;
}

export const command: CliCommand<RevokeApiKeyOptions> = {
  arguments: [new Argument('<id>', 'its public part, as the list shows it')],
  run: revokeApiKey,
};

/** Ends one API key; no server takes it from that moment on. */
function revokeApiKey(context: CommandContext, { id, json }: RevokeApiKeyOptions): Promise<ExitCode> {
  return withServices<ExitCode>(context, async ({ api }) => {
    const key = await api.apiKeys.find(id);
    if (key === undefined)
      throw new CommandError(
        `There is no API key "${printable(id)}": npx curfew api-keys list shows them all.`,
      );
    await api.apiKeys.revoke(key, CLI_ORIGIN);
    const { name, username } = key;
    await context.terminal.print(
      json ? toJson({ id, name, username, revoked: true }) : `Revoked ${name} of ${username}.`,
    );
    return 0;
  });
}

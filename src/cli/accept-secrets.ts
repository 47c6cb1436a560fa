import { Option } from 'commander';
import {
  CHECKED_SECRETS,
  describeChangedSecret,
  findChangedSecrets,
  storeSecretChecks,
} from '../storage/secret-checks.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { withServices } from './with-services.ts';

interface AcceptSecretsOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<AcceptSecretsOptions> = {
  options: [new Option('--yes', 'do not ask')],
  misuse: ({ yes }, { terminal }) =>
    yes || terminal.interactive ? undefined : 'without a terminal to ask at, this needs --yes',
  run: acceptSecrets,
};

/** Takes PEPPER and ENCRYPTION_KEY as they are for the right ones, where the old ones were lost. */
function acceptSecrets(context: CommandContext, { yes, json }: AcceptSecretsOptions): Promise<ExitCode> {
  const { terminal, clock } = context;
  return withServices<ExitCode>(context, async ({ database, config, audit }) => {
    const values = { PEPPER: config.peppers, ENCRYPTION_KEY: config.encryptionKeys };
    const names = await findChangedSecrets(database, values);
    if (names.length > 0 && !yes) {
      for (const name of names) terminal.say(`${describeChangedSecret(name).what}.`);
      const answer = await terminal.ask('If the old value is lost for good, type yes to go on without it: ');
      if (answer.trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was changed.');
    }
    await storeSecretChecks(database, values, clock.now(), names);
    if (names.length > 0) await audit.record({ type: 'secrets.accepted', names }, CLI_ORIGIN);
    await terminal.print(json ? toJson({ accepted: names }) : acceptedText(names));
    return 0;
  });
}

function acceptedText(names: readonly (typeof CHECKED_SECRETS)[number][]): string {
  if (names.length === 0)
    return `${CHECKED_SECRETS.join(' and ')} are the ones that this database was used with.`;
  const next = {
    PEPPER: 'Set new passwords (npx curfew users reset-password) and create new API keys.',
    ENCRYPTION_KEY: 'Users enter their app keys and bot tokens again and connect their brokers again.',
  };
  return [`Accepted: ${names.join(', ')}. Restart the server.`, ...names.map((name) => next[name])].join(
    '\n',
  );
}

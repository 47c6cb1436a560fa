import { Option } from 'commander';
import type { User } from '../accounts/user-store.ts';
import type { Services } from '../compose.ts';
import { ROLES } from '../core/role.ts';
import { CLI_ORIGIN } from './cli-origin.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { PASSWORD_STDIN, readGivenPassword } from './given-password.ts';
import { toJson } from './json.ts';
import { refusal } from './refusal.ts';
import { temporaryPasswordLines } from './temporary-password-lines.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

interface CreateUserOptions {
  readonly username: string;
  readonly email: string;
  readonly role: User['role'];
  readonly passwordStdin?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<CreateUserOptions> = {
  options: [
    new Option('--username <username>', 'the name to sign in with').makeOptionMandatory(),
    new Option('--email <address>', 'the email address').makeOptionMandatory(),
    new Option('--role <role>', 'what the user may do').choices(ROLES).default('user'),
    PASSWORD_STDIN,
  ],
  run: createUser,
};

/** Makes an account. Where no password is given, the one that was made is printed, this once. */
async function createUser(context: CommandContext, options: CreateUserOptions): Promise<ExitCode> {
  const { username, email, role, passwordStdin, json } = options;
  const { terminal } = context;
  const password = await readGivenPassword(terminal, passwordStdin);
  const create = async (services: Services): Promise<ExitCode> => {
    const made = await services.accounts.userAdmin.create({ username, email, role, password }, CLI_ORIGIN);
    if (made.kind === 'invalid') throw refusal(made.fields);
    const { user, temporaryPassword } = made;
    await terminal.print(
      json
        ? toJson({ user: userRecord(user), temporaryPassword: temporaryPassword ?? null })
        : [`Created ${user.username} (${user.role}).`, ...temporaryPasswordLines(temporaryPassword)].join(
            '\n',
          ),
    );
    await warnWithoutAdmin(context, services);
    return 0;
  };
  return withServices(context, create, { makesDatabase: true });
}

/** Says so when no administrator is left: an account from here takes the place of the setup page. */
async function warnWithoutAdmin({ terminal }: CommandContext, { accounts }: Services): Promise<void> {
  const users = await accounts.userAdmin.list();
  if (users.some((user) => user.role === 'admin' && !user.disabled)) return;
  terminal.say('curfew: No admin can sign in now: make one with npx curfew users create --role admin.');
}

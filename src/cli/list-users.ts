import type { User } from '../accounts/user-store.ts';
import { toIstIso } from '../core/ist.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { printJsonList } from './json.ts';
import { oneBatch } from './one-batch.ts';
import { type Column, printTable } from './table.ts';
import { userRecord } from './user-record.ts';
import { withServices } from './with-services.ts';

export const command: CliCommand<{ readonly json?: boolean }> = {
  run: listUsers,
};

/** Prints all accounts. */
function listUsers(context: CommandContext, { json }: { readonly json?: boolean }): Promise<ExitCode> {
  const { terminal } = context;
  return withServices<ExitCode>(context, async ({ accounts: { userAdmin } }) => {
    const users = await userAdmin.list();
    if (json) {
      await printJsonList(terminal, 'users', oneBatch(users.map(userRecord)));
      return 0;
    }
    await printTable(terminal, COLUMNS, oneBatch(users));
    terminal.say(users.length === 1 ? '1 user.' : `${users.length} users.`);
    return 0;
  });
}

const COLUMNS: readonly Column<User>[] = [
  { heading: 'USER', value: (user) => user.username },
  { heading: 'EMAIL', value: (user) => user.email },
  { heading: 'ROLE', value: (user) => user.role },
  { heading: 'STATE', value: (user) => (user.disabled ? 'disabled' : 'active') },
  { heading: 'SINCE (IST)', value: (user) => toIstIso(user.createdAt).slice(0, 10) },
];

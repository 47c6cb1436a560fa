import type { User } from '../accounts/user-store.ts';
import type { Services } from '../compose.ts';
import { CommandError } from './command.ts';
import { printable } from './printable.ts';

/** The user of that name, in any spelling that signs them in. Throws when there is none. */
export async function findUser({ accounts }: Services, username: string): Promise<User> {
  const user = await accounts.users.findByUsername(username);
  if (user === undefined) throw unknownUser(username);
  return user;
}

export function unknownUser(username: string): CommandError {
  return new CommandError(
    `There is no user "${printable(username)}": npx curfew users list shows all users.`,
  );
}

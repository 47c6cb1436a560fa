import type { Services } from '../compose.ts';
import type { CommandContext } from './command.ts';

/** Says so when no administrator is left: an account from here takes the place of the setup page. */
export async function warnWithoutAdmin({ terminal }: CommandContext, { accounts }: Services): Promise<void> {
  const users = await accounts.userAdmin.list();
  if (users.some((user) => user.role === 'admin' && !user.disabled)) return;
  terminal.say('curfew: No admin can sign in now: make one with npx curfew users create --role admin.');
}

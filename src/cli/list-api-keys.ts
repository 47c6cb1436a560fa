import { Option } from 'commander';
import type { OwnedKey } from '../api/api-key-store.ts';
import { keyPrefix } from '../api/key-format.ts';
import { toIstIso } from '../core/ist.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { findUser } from './find-user.ts';
import { printJsonList } from './json.ts';
import { oneBatch } from './one-batch.ts';
import { type Column, printTable } from './table.ts';
import { withServices } from './with-services.ts';

interface ListApiKeysOptions {
  readonly user?: string;
  readonly json?: boolean;
}

export const command: CliCommand<ListApiKeysOptions> = {
  options: [new Option('--user <username>', 'only of this user')],
  run: listApiKeys,
};

/** Prints all API keys or one user's: their public parts, the only ones that are stored. */
function listApiKeys(context: CommandContext, { user, json }: ListApiKeysOptions): Promise<ExitCode> {
  const { terminal } = context;
  return withServices<ExitCode>(context, async (services) => {
    const owner = user === undefined ? undefined : await findUser(services, user);
    const all = await services.api.apiKeys.listAll();
    const keys = owner === undefined ? all : all.filter((key) => key.userId === owner.id);
    if (json) {
      await printJsonList(terminal, 'apiKeys', oneBatch(keys.map(toRecord)));
      return 0;
    }
    await printTable(terminal, COLUMNS, oneBatch(keys));
    terminal.say(
      keys.length === 0 ? 'No API key.' : keys.length === 1 ? '1 API key.' : `${keys.length} API keys.`,
    );
    return 0;
  });
}

const COLUMNS: readonly Column<OwnedKey>[] = [
  { heading: 'ID', value: (key) => key.id },
  { heading: 'USER', value: (key) => key.username },
  { heading: 'NAME', value: (key) => key.name },
  { heading: 'ALLOWED FROM', value: ({ addresses }) => addresses.primary ?? 'anywhere' },
  { heading: 'LAST USED (IST)', value: ({ lastUsed }) => (lastUsed ? toMinutes(lastUsed.at) : 'never') },
  { heading: 'EXPIRES (IST)', value: ({ expiresAt }) => (expiresAt ? toMinutes(expiresAt) : 'never') },
];

/** `2026-11-23 10:00`, in Indian time. */
function toMinutes(instant: number): string {
  return toIstIso(instant).slice(0, 16).replace('T', ' ');
}

function toRecord({ id, username, name, scopes, addresses, createdAt, expiresAt, lastUsed }: OwnedKey) {
  return {
    id,
    prefix: keyPrefix(id),
    username,
    name,
    scopes,
    primaryAddress: addresses.primary ?? null,
    secondaryAddress: addresses.secondary ?? null,
    createdAt: toIstIso(createdAt),
    expiresAt: expiresAt === undefined ? null : toIstIso(expiresAt),
    lastUsedAt: lastUsed === undefined ? null : toIstIso(lastUsed.at),
    lastUsedFrom: lastUsed?.address ?? null,
  };
}

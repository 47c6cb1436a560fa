import { connect } from '../boot/connect.ts';
import { parseProjectConfig, readSettings } from '../boot/project-files.ts';
import { compose, type Services } from '../compose.ts';
import type { Config } from '../config.ts';
import type { Database } from '../storage/database.ts';
import { describeChangedSecret, findChangedSecrets } from '../storage/secret-checks.ts';
import { type CommandContext, CommandError } from './command.ts';
import { createErrorLog } from './error-log.ts';

/**
 * Does a piece of work with the same services as the server's, on the same stores, and closes them. The background jobs
 * are not started: what a command leaves to do later is done by the running server, or by the next one.
 */
export async function withServices<T>(
  { environment, terminal, clock }: CommandContext,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const config = parseProjectConfig(readSettings(environment));
  refuseMemory(config);
  const log = createErrorLog(terminal.say);
  const infrastructure = await connect(config, clock, log);
  try {
    await sayChangedSecrets(infrastructure.database, config, terminal.say);
    return await work(compose({ config, infrastructure, log, internalOrigin: () => config.baseUrl }));
  } finally {
    await infrastructure.close();
  }
}

/** Ending sessions must not wait for it; new passwords and keys would be of no use. */
async function sayChangedSecrets(
  database: Database,
  { peppers, encryptionKeys }: Config,
  say: (text: string) => void,
): Promise<void> {
  const changed = await findChangedSecrets(database, { PEPPER: peppers, ENCRYPTION_KEY: encryptionKeys });
  for (const { what, remedy } of changed.map(describeChangedSecret)) say(`curfew: ${what}. ${remedy}`);
}

function refuseMemory({ database }: Config): void {
  if (database.dialect === 'sqlite' && database.file === ':memory:')
    throw new CommandError(
      'DATABASE_URL=sqlite::memory: lives inside the server, where the command line cannot reach it: use a file.',
    );
}

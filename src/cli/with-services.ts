import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { connect } from '../boot/connect.ts';
import { projectIn } from '../boot/project.ts';
import { compose, type Services } from '../compose.ts';
import type { Config } from '../config.ts';
import type { Database } from '../storage/database.ts';
import { describeChangedSecret, findChangedSecrets } from '../storage/secret-checks.ts';
import { type CommandContext, CommandError } from './command.ts';
import { createErrorLog } from './error-log.ts';

/**
 * Does a piece of work with the same services as the server's, on the same stores, and closes them. The background jobs
 * are not started: what a command leaves to do later is done by the running server, or by the next one. Throws where the
 * SQLite file is not there, unless the command `makesDatabase`: the first account may come before the first start.
 */
export async function withServices<T>(
  { projectFolder, environment, terminal, clock }: CommandContext,
  work: (services: Services) => Promise<T>,
  { makesDatabase = false } = {},
): Promise<T> {
  const config = projectIn(projectFolder).readConfig(environment);
  refuseWithoutFile(config, makesDatabase, terminal.say);
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

/** A command at a mistyped path would make an empty database there and speak of that one. */
function refuseWithoutFile({ database }: Config, makesDatabase: boolean, say: (text: string) => void): void {
  if (database.dialect !== 'sqlite') return;
  if (database.file === ':memory:')
    throw new CommandError(
      'DATABASE_URL=sqlite::memory: lives inside the server, where the command line cannot reach it: use a file.',
    );
  if (existsSync(database.file)) return;
  const path = resolve(database.file);
  if (!makesDatabase)
    throw new CommandError(
      `There is no database at ${path}. Correct DATABASE_URL, or start the server once to make it.`,
    );
  say(`curfew: Making a new database at ${path}.`);
}

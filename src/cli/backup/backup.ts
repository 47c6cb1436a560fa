import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Argument } from 'commander';
import { createAuditChainStore } from '../../audit/audit-chain-store.ts';
import { createAuditLog } from '../../audit/audit-store.ts';
import { projectIn } from '../../boot/project.ts';
import type { AuditEvent } from '../../core/audit-event.ts';
import { toIstIso } from '../../core/ist.ts';
import { connectDatabase, type DatabaseLocation, openDatabase } from '../../storage/database.ts';
import { createDatabaseInspection } from '../../storage/database-inspection.ts';
import { postgresCommands } from '../../storage/postgres-commands.ts';
import { backUpSqlite } from '../../storage/sqlite-backup.ts';
import type { CopyProgress, FileFacts } from '../../storage/sqlite-copy.ts';
import { CLI_ORIGIN } from '../cli-origin.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from '../command.ts';
import { createErrorLog } from '../error-log.ts';
import { toJson } from '../json.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';

interface BackupOptions {
  /** Where to; a name of its own in `data/backups` without. */
  readonly file?: string;
  readonly json?: boolean;
}

const MEGABYTE = 1_000_000;

export const command: CliCommand<BackupOptions> = {
  arguments: [new Argument('[file]', 'the new file; it must not exist yet')],
  run: backup,
};

/**
 * Copies the database beside running servers. On Postgres it prints the commands that do it, since pg_dump belongs to the
 * server's version.
 */
async function backup(context: CommandContext, { file, json }: BackupOptions): Promise<ExitCode> {
  const { projectFolder, terminal, environment, clock } = context;
  const { database } = projectIn(projectFolder).readConfig(environment);
  if (database.dialect === 'postgres') {
    const commands = postgresCommands(database.url, resolve(file ?? `${nameFor(clock.now())}.dump`));
    await terminal.print(json ? toJson({ database: 'postgres', ...commands }) : postgresText(commands));
    return 0;
  }
  if (database.file === ':memory:')
    throw new CommandError('DATABASE_URL=sqlite::memory: keeps nothing that could be copied: use a file.');
  if (!existsSync(database.file))
    throw new CommandError(`There is no database yet at ${printable(database.file)}: nothing to copy.`);
  const target = resolve(file ?? join(backupFolder(projectFolder), `${nameFor(clock.now())}.db`));
  if (existsSync(target))
    throw new CommandError(
      `${printable(target)} is there already, and is not overwritten: choose another name.`,
    );
  const isCurrent = await checkVersion(database.file);
  const facts = await backUpSqlite({
    source: database.file,
    target,
    now: clock.now(),
    onProgress: showingProgress(terminal),
  }).catch((error: unknown) => {
    throw isCode(error, 'EEXIST')
      ? new CommandError(
          `${printable(target)} is there already, and is not overwritten: choose another name.`,
        )
      : isCode(error, 'ENOENT')
        ? new CommandError(`There is no folder ${printable(dirname(target))}.`)
        : error;
  });
  // A database of an older version is copied as it is: to bring it up to date first would be what the copy is against.
  if (isCurrent)
    await recordOffline(context, database, { type: 'backup.made', file: basename(target), ...facts });
  await terminal.print(json ? toJson({ database: 'sqlite', file: target, ...facts }) : text(target, facts));
  return 0;
}

/** True where the tables are this version's. */
async function checkVersion(file: string): Promise<boolean> {
  const present = connectDatabase({ dialect: 'sqlite', file });
  try {
    const state = await createDatabaseInspection(present).migrations();
    if (state.kind === 'newer' || state.kind === 'other')
      throw new CommandError(
        `The database is of ${state.kind === 'newer' ? 'a newer' : 'another'} version of Curfew (${[...state.unknown, ...(state.kind === 'other' ? state.missing : [])].join(', ')}): this one does not know what in it must not be copied. Use that version’s command.`,
      );
    if (state.kind === 'empty')
      throw new CommandError(`${printable(file)} has no tables of Curfew’s yet: nothing to copy.`);
    return state.kind === 'current';
  } finally {
    await present.close();
  }
}

function backupFolder(projectFolder: string): string {
  const folder = join(projectFolder, 'data', 'backups');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** `curfew-20261121-123000`, in Indian time. */
function nameFor(now: number): string {
  return `curfew-${toIstIso(now).slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`;
}

/** A line redrawn at a terminal; else one for each quarter of what takes longer than a moment. */
function showingProgress(terminal: Terminal): (progress: CopyProgress) => void {
  let quarter = 0;
  return ({ done, total }) => {
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    terminal.showProgress(`Copying: ${percent} % …`);
    if (terminal.interactive || percent === 100 || Math.floor(percent / 25) <= quarter) return;
    quarter = Math.floor(percent / 25);
    terminal.say(`Copying: ${percent} % …`);
  };
}

function text(target: string, { bytes, sha256 }: FileFacts): string {
  return [
    `Copied to ${printable(target)}`,
    `  size     ${bytes} bytes${bytes >= MEGABYTE ? ` (${(bytes / MEGABYTE).toFixed(1)} MB)` : ''}`,
    `  SHA-256  ${sha256}`,
    'It is checked, and holds no session and no broker token. Without ENCRYPTION_KEY and PEPPER it is of no use: keep a',
    'copy of .env as well, in another place. Back again: npx curfew restore FILE',
  ].join('\n');
}

function postgresText({ dump, restore }: { readonly dump: string; readonly restore: string }): string {
  return [
    'To copy the database, also beside running servers:',
    '',
    `  ${dump}`,
    '',
    'To put it back, with every server stopped:',
    '',
    `  ${restore}`,
    '  npx curfew restore --after-pg-restore',
    '',
    'The password comes from ~/.pgpass or PGPASSWORD. Sessions and broker tokens are left out. Keep a copy of .env as well,',
    'in another place: without ENCRYPTION_KEY and PEPPER a dump is of no use.',
  ].join('\n');
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Writes an event into the audit log with nothing but the database: Redis need not answer. */
async function recordOffline(
  { terminal, clock }: CommandContext,
  location: DatabaseLocation,
  event: AuditEvent,
): Promise<void> {
  const database = await openDatabase(location);
  try {
    const log = createErrorLog(terminal.say);
    const audit = createAuditLog({ chain: createAuditChainStore(database), clock, log });
    await audit.record(event, CLI_ORIGIN);
  } finally {
    await database.close();
  }
}

import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Argument, Option } from 'commander';
import { readChainState } from '../../audit/audit-chain-store.ts';
import { projectIn } from '../../boot/project.ts';
import type { ChainHead } from '../../core/audit-chain.ts';
import { formatIst, toIstIso } from '../../core/ist.ts';
import { connectDatabase, openDatabase } from '../../storage/database.ts';
import { createDatabaseInspection } from '../../storage/database-inspection.ts';
import type { MigrationState } from '../../storage/migration-state.ts';
import { type PresentState, readPresentState } from '../../storage/restore-merge-store.ts';
import {
  compactSqlite,
  copySqlite,
  describeFile,
  findDamage,
  removeSqlite,
} from '../../storage/sqlite-copy.ts';
import { holdPlace, inspectPlace, type PlaceState, replaceSqlite } from '../../storage/sqlite-path.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from '../command.ts';
import { printable } from '../printable.ts';
import { carryOutRevocation, type EndedRestoration, endRestored } from './end-restored.ts';
import { reportRestoration } from './restore-report.ts';

interface RestoreOptions {
  readonly file?: string;
  readonly afterPgRestore?: boolean;
  readonly serverStopped?: boolean;
  readonly keepApiKeys?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export const command: CliCommand<RestoreOptions> = {
  arguments: [new Argument('[file]', 'the backup')],
  options: [
    new Option('--after-pg-restore', 'on Postgres: end what pg_restore brought back, and what lives on'),
    new Option('--server-stopped', 'no server runs: for a present database that is too damaged to tell'),
    new Option(
      '--keep-api-keys',
      'keep the API keys of the backup where the present database cannot say which were revoked since',
    ),
    new Option('--yes', 'do not ask'),
  ],
  misuse({ file, afterPgRestore, yes }, { terminal }) {
    if (file === undefined && !afterPgRestore) return 'name the backup, or, on Postgres, --after-pg-restore';
    return file !== undefined && !yes && !terminal.interactive
      ? 'without a terminal to ask at, restore needs --yes'
      : undefined;
  },
  run: restore,
};

/** Puts a backup in the place of the database, or, on Postgres, does the same ending behind pg_restore. */
async function restore(context: CommandContext, options: RestoreOptions): Promise<ExitCode> {
  const { database } = projectIn(context.projectFolder).readConfig(context.environment);
  if (database.dialect === 'postgres') {
    if (options.afterPgRestore !== true)
      throw new CommandError(
        'On Postgres, stop every server, put the dump back with pg_restore (npx curfew backup prints the command), then: npx curfew restore --after-pg-restore',
      );
    return endBehindPgRestore(context, database.url, options);
  }
  if (options.afterPgRestore === true)
    throw new CommandError('--after-pg-restore is for Postgres; on SQLite: npx curfew restore FILE');
  if (database.file === ':memory:')
    throw new CommandError('DATABASE_URL=sqlite::memory: keeps nothing: use a file.');
  return restoreSqlite(context, database.file, options);
}

async function endBehindPgRestore(
  context: CommandContext,
  url: string,
  { keepApiKeys = false, json }: RestoreOptions,
): Promise<ExitCode> {
  const database = await openDatabase({ dialect: 'postgres', url });
  const nothing = { file: undefined, sha256: undefined, present: undefined, oldHead: undefined, keepApiKeys };
  const ended = await endRestored(context, database, nothing).finally(() => database.close());
  const receipt = await carryOutRevocation(context, ended.orderId);
  return reportRestoration(context, { ...ended, receipt, aside: undefined, json });
}

async function restoreSqlite(
  context: CommandContext,
  place: string,
  { file = '', serverStopped = false, keepApiKeys = false, yes = false, json }: RestoreOptions,
): Promise<ExitCode> {
  const source = resolve(file);
  refuseWrongFile(source, place);
  refuseInUse(inspectPlace(place), place, serverStopped);
  const prepared = `${place}.restoring-${process.pid}`;
  try {
    const facts = await prepare(context, source, prepared);
    if (!yes) await confirm(context, source, place);
    const aside = asideNameFor(place, context.clock.now());
    const ended = await exchange(context, {
      place,
      prepared,
      aside,
      serverStopped,
      keepApiKeys,
      file: basename(source),
      ...facts,
    });
    const receipt = await carryOutRevocation(context, ended.orderId);
    return await reportRestoration(context, { ...ended, receipt, json });
  } finally {
    await removeSqlite(prepared);
  }
}

function refuseWrongFile(source: string, place: string): void {
  if (!existsSync(source)) throw new CommandError(`There is no file ${printable(source)}.`);
  if (!statSync(source).isFile()) throw new CommandError(`${printable(source)} is not a file.`);
  if (existsSync(place) && realpathSync(source) === realpathSync(place))
    throw new CommandError('That is the database itself: name a copy of it.');
}

function refuseInUse(state: PlaceState, place: string, serverStopped: boolean): void {
  if (state === 'in_use')
    throw new CommandError(
      'A server, or another command, has the database open. Stop every server on it, then try again. Nothing was changed.',
    );
  if (state === 'unreadable' && !serverStopped)
    throw new CommandError(
      `The present database, ${printable(place)}, is damaged, so nothing can tell whether a server has it open. Stop every server, then add --server-stopped. Nothing was changed.`,
    );
}

/** A copy of the backup beside the database: known to be Curfew's, sound, and brought up to date. */
async function prepare(
  { terminal }: CommandContext,
  source: string,
  prepared: string,
): Promise<{ readonly sha256: string }> {
  const { sha256 } = await describeFile(source);
  let state: MigrationState['kind'];
  // On a new machine the folder is not there yet.
  mkdirSync(dirname(prepared), { recursive: true, mode: 0o700 });
  try {
    await copySqlite(source, prepared, () => undefined);
    state = await checkCopy(prepared, source);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT' || code === 'SQLITE_ERROR')
      throw new CommandError(`${printable(source)} is no sound SQLite database. Nothing was changed.`);
    throw error;
  }
  if (state !== 'current')
    terminal.say(
      `curfew: ${printable(source)} was made by an earlier version of Curfew: its tables are brought up to date in the restored database; the file stays as it is.`,
    );
  const database = await openDatabase({ dialect: 'sqlite', file: prepared }, { copyFirst: false });
  await database.close();
  return { sha256 };
}

async function checkCopy(prepared: string, source: string): Promise<MigrationState['kind']> {
  const copy = connectDatabase({ dialect: 'sqlite', file: prepared });
  try {
    const damage = await findDamage(copy);
    if (damage !== undefined)
      throw new CommandError(`${printable(source)} is damaged: ${printable(damage)}. Nothing was changed.`);
    const state = await createDatabaseInspection(copy).migrations();
    const refusal = refusalOf(state);
    if (refusal !== undefined) throw new CommandError(`${printable(source)} ${refusal} Nothing was changed.`);
    return state.kind;
  } finally {
    await copy.close();
  }
}

/** Why a copy at this state is not restored; undefined where it is, after bringing its tables up to date where it must. */
function refusalOf(state: MigrationState): string | undefined {
  switch (state.kind) {
    case 'current':
    case 'former':
    case 'behind':
      return undefined;
    case 'empty':
      return 'is not a database of Curfew’s.';
    case 'older':
      return `was made by a version of Curfew that is too old for this one (it lacks ${names(state.missing)}): restore it with the version that docs/operations.md names under “Older databases”, start that once, then this one.`;
    case 'newer':
      return `was made by a newer version of Curfew (${names(state.unknown)}): restore it with that version.`;
    case 'other':
      return `was made by another version of Curfew (${names([...state.unknown, ...state.missing])}): restore it with that version.`;
  }
}

const names = (list: readonly string[]): string => list.map(printable).join(', ');

interface Exchange {
  readonly place: string;
  readonly prepared: string;
  readonly aside: string;
  readonly serverStopped: boolean;
  readonly keepApiKeys: boolean;
  readonly file: string;
  readonly sha256: string;
}

/** While this goes on, no server can start: what is carried over is the last that happened. */
async function exchange(
  context: CommandContext,
  { place, prepared, aside, serverStopped, ...facts }: Exchange,
): Promise<EndedRestoration & { readonly aside: string | undefined }> {
  const release = await holdPlace(place);
  try {
    const state = inspectPlace(place);
    refuseInUse(state, place, serverStopped);
    const before = state === 'free' ? await readBefore(place) : NOTHING_READ;
    const database = await openDatabase({ dialect: 'sqlite', file: prepared });
    let ended: EndedRestoration;
    try {
      ended = await endRestored(context, database, { ...facts, ...before });
      await compactSqlite(database);
    } finally {
      await database.close();
    }
    await replaceSqlite(place, prepared, aside);
    return { ...ended, aside: state === 'empty' ? undefined : aside };
  } finally {
    release();
  }
}

interface Before {
  readonly present: PresentState | undefined;
  readonly oldHead: ChainHead | undefined;
}

const NOTHING_READ: Before = { present: undefined, oldHead: undefined };

/** As much as can be read: it may be damaged, or of an older version. */
async function readBefore(place: string): Promise<Before> {
  const database = connectDatabase({ dialect: 'sqlite', file: place });
  try {
    return {
      present: await readPresentState(database).catch(() => undefined),
      oldHead: await readChainState(database.db).then(
        ({ head }) => head,
        () => undefined,
      ),
    };
  } finally {
    await database.close();
  }
}

async function confirm({ terminal }: CommandContext, source: string, place: string): Promise<void> {
  const answer = await terminal.ask(
    `This replaces ${printable(place)} with ${printable(source)}. Changes since the backup are lost, all users are signed out, and all broker connections end. The present database is put aside. Type yes to go on: `,
  );
  if (answer.trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was changed.');
}

/** `curfew.db.before-20261121-123000`, beside it. */
function asideNameFor(place: string, now: number): string {
  const stamp = toIstIso(now).slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const name = `${place}.before-${stamp}`;
  if (existsSync(name))
    throw new CommandError(
      `${printable(name)} is there already (${formatIst(now)}): try again in a second. Nothing was changed.`,
    );
  return name;
}

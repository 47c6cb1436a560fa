import { existsSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';
import { connectDatabase, type Database, type DatabaseLocation } from '../../storage/database.ts';
import {
  createDatabaseInspection,
  type DatabaseInspection,
  freeBytesBeside,
} from '../../storage/database-inspection.ts';
import { migrationProblem } from '../../storage/migration-state.ts';
import { explainError } from '../explain-error.ts';
import { checkClockDifference } from './clock-difference.ts';
import { type Finding, findingsOf } from './finding.ts';

const MIB = 1024 * 1024;
const FAIL_BELOW = 50 * MIB;
const WARN_BELOW = 500 * MIB;

const { ok, warn, fail } = findingsOf('database');

export interface DatabaseCheckup {
  readonly findings: readonly Finding[];
  /** Open, with all tables up to date; undefined where it is not. The caller closes it. */
  readonly database: Database | undefined;
}

/** Whether it answers, has its tables, can be written and has room. Creates and changes nothing. */
export async function checkDatabase(location: DatabaseLocation, clock: Clock): Promise<DatabaseCheckup> {
  const name = nameOf(location);
  if (location.dialect === 'sqlite' && !existsSync(location.file))
    return {
      findings: [warn(`${name} is not there yet`, 'The first npm start makes it.')],
      database: undefined,
    };
  let database: Database | undefined;
  try {
    database = connectDatabase(location);
    const inspection = createDatabaseInspection(database);
    const problem = await checkTables(inspection, location);
    const findings = [
      ok(`${name} answers`),
      ...(problem === undefined ? [await checkWriting(inspection)] : [problem]),
      ...(await checkSpace(location)),
      ...(await checkOwnClock(inspection, clock)),
    ];
    if (problem === undefined) return { findings, database };
    await database.close();
    return { findings, database: undefined };
  } catch (error) {
    await database?.close();
    return { findings: [fail(`${name}: ${explainError(error)}`, REMEDY)], database: undefined };
  }
}

const REMEDY = 'Start it, or correct DATABASE_URL in .env. Sign-in is unavailable until it answers.';

async function checkTables(
  inspection: DatabaseInspection,
  { dialect }: DatabaseLocation,
): Promise<Finding | undefined> {
  const copied = dialect === 'sqlite' ? ', after a copy of the file' : '';
  const state = await inspection.migrations();
  const problem = migrationProblem(state);
  if (problem !== undefined) return fail(problem.what, problem.remedy);
  switch (state.kind) {
    case 'empty':
      return warn('It has no tables yet', 'The next start makes them: npm start');
    case 'behind':
      return warn(
        `Its tables are not up to date (${state.pending.join(', ')})`,
        `The next start does it${copied}: npm start`,
      );
    case 'former':
      return warn(
        'Its tables are up to date, and were made before the migrations were squashed',
        `The next start takes it over as it is${copied}: npm start`,
      );
    default:
      return undefined;
  }
}

async function checkWriting(inspection: DatabaseInspection): Promise<Finding> {
  try {
    await inspection.tryWriting();
    return ok('It has all tables and can be written');
  } catch (error) {
    return fail('It cannot be written', explainError(error));
  }
}

async function checkSpace(location: DatabaseLocation): Promise<readonly Finding[]> {
  if (location.dialect !== 'sqlite') return [];
  const free = await freeBytesBeside(location.file);
  const message = `${describeBytes(free)} of the disk are free`;
  const remedy = 'Make room: with a full disk nothing can be revoked in the database.';
  if (free < FAIL_BELOW) return [fail(message, remedy)];
  return [free < WARN_BELOW ? warn(message, remedy) : ok(message)];
}

function describeBytes(bytes: number): string {
  return bytes < 10 * 1024 * MIB ? `${Math.floor(bytes / MIB)} MiB` : `${Math.floor(bytes / MIB / 1024)} GiB`;
}

async function checkOwnClock(inspection: DatabaseInspection, clock: Clock): Promise<readonly Finding[]> {
  const asked = clock.now();
  const theirs = await inspection.clock();
  if (theirs === undefined) return [];
  return checkClockDifference('database', theirs - (asked + clock.now()) / 2);
}

/** Without the user and the password. */
function nameOf(location: DatabaseLocation): string {
  if (location.dialect === 'sqlite') return `SQLite, ${location.file}`;
  const { host, pathname } = new URL(location.url);
  return `Postgres, ${host}${pathname}`;
}

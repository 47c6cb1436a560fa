import { statSync } from 'node:fs';
import { readEnvFile } from '../../boot/env-file.ts';
import type { Environment } from '../../config.ts';
import { explainError } from '../explain-error.ts';
import { type Finding, findingsOf } from './finding.ts';

const OTHERS = 0o077;

const { ok, warn, fail } = findingsOf('.env');

export interface EnvFileCheckup {
  readonly findings: readonly Finding[];
  /** Its settings; empty where it cannot be read. */
  readonly settings: Environment;
}

/** The file holds every secret: only its owner should read it. */
export function checkEnvFile(envFile: string): EnvFileCheckup {
  try {
    return { findings: checkMode(envFile), settings: readEnvFile(envFile) };
  } catch (error) {
    const remedy = `Make it a file that the user who runs Curfew can read: ${envFile}`;
    return { findings: [fail(explainError(error), remedy)], settings: {} };
  }
}

function checkMode(envFile: string): readonly Finding[] {
  const stats = statSync(envFile, { throwIfNoEntry: false });
  if (stats === undefined) return [ok('There is none: the settings come from the environment')];
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  // Windows has no such modes, and reports all of them.
  if ((stats.mode & OTHERS) === 0 || process.platform === 'win32')
    return [ok(`Mode ${mode}: only its owner can read it`)];
  return [warn(`Mode ${mode}: others on this machine may read the secrets`, `chmod 600 ${envFile}`)];
}

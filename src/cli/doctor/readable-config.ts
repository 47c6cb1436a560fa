import { randomBytes } from 'node:crypto';
import type { Project } from '../../boot/project.ts';
import { type Config, ConfigError, type ConfigProblem, type Environment } from '../../config.ts';

export interface ReadableConfig {
  /** Where a setting has a problem, the default stands in its place; for a secret, a fresh one. */
  readonly config: Config;
  readonly problems: readonly ConfigProblem[];
}

/** The settings as far as they can be read: one that is wrong must not hide what else is. */
export function readAsFarAsPossible(project: Project, settings: Environment): ReadableConfig {
  try {
    return { config: project.parseConfig(settings), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const standIns = error.problems.map(({ name }) => [name, standInFor(name)]);
    const config = project.parseConfig({ ...settings, ...Object.fromEntries(standIns) });
    return { config, problems: error.problems };
  }
}

/** Undefined: not set. */
function standInFor(name: string): string | undefined {
  if (name === 'ENCRYPTION_KEY') return randomBytes(32).toString('base64url');
  return name === 'SESSION_SECRET' || name === 'PEPPER' ? randomBytes(48).toString('hex') : undefined;
}

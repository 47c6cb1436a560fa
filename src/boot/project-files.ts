import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, type Environment, parseConfig } from '../config.ts';
import type { DatabaseLocation } from '../storage/database.ts';
import { mergeEnvironment, readEnvFile } from './env-file.ts';

/** Where Curfew lies. The server and the command line find their files here, wherever they were started. */
export const PROJECT_FOLDER = fileURLToPath(new URL('../..', import.meta.url));
export const ENV_FILE = join(PROJECT_FOLDER, '.env');
export const ENV_EXAMPLE = join(PROJECT_FOLDER, '.env.example');

/** The settings as texts: what the process was given, and .env for the rest. */
export function readSettings(environment: Environment): Environment {
  return mergeEnvironment(environment, readEnvFile(ENV_FILE));
}

/** Reads settings, whose database file, where it is named by a relative path, lies in the project's folder. Throws ConfigError. */
export function parseProjectConfig(settings: Environment): Config {
  const config = parseConfig(settings);
  return Object.freeze({ ...config, database: inProject(config.database) });
}

function inProject(location: DatabaseLocation): DatabaseLocation {
  if (location.dialect !== 'sqlite' || location.file === ':memory:' || isAbsolute(location.file))
    return location;
  return { ...location, file: join(PROJECT_FOLDER, location.file) };
}

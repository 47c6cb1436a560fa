import { isAbsolute, join, resolve } from 'node:path';
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

/** Reads settings; a relative path of the database file or the gateway's rules begins in the project's folder. Throws ConfigError. */
export function parseProjectConfig(settings: Environment): Config {
  const config = parseConfig(settings);
  return Object.freeze({
    ...config,
    database: inProject(config.database),
    gatewayRules: config.gatewayRules && resolve(PROJECT_FOLDER, config.gatewayRules),
  });
}

function inProject(location: DatabaseLocation): DatabaseLocation {
  if (location.dialect !== 'sqlite' || location.file === ':memory:' || isAbsolute(location.file))
    return location;
  return { ...location, file: join(PROJECT_FOLDER, location.file) };
}

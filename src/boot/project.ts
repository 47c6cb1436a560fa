import { isAbsolute, join, resolve } from 'node:path';
import { type Config, type Environment, parseConfig } from '../config.ts';
import type { DatabaseLocation } from '../storage/database.ts';
import { mergeEnvironment, readEnvFile } from './env-file.ts';
import { PROJECT_FOLDER } from './project-folder.ts';

/** The server and the command line find their files in Curfew's folder, wherever they were started. */
export interface Project {
  readonly envFile: string;
  readonly envExample: string;
  /** Reads settings; a relative path of the database file or the gateway's rules begins in the folder. Throws ConfigError. */
  parseConfig(settings: Environment): Config;
  /** The same of what the process was given, and of .env for the rest. */
  readConfig(environment: Environment): Config;
}

export function projectIn(folder: string): Project {
  const envFile = join(folder, '.env');
  function parseProjectConfig(settings: Environment): Config {
    const config = parseConfig(settings);
    return Object.freeze({
      ...config,
      database: inFolder(folder, config.database),
      gatewayRules: config.gatewayRules && resolve(folder, config.gatewayRules),
    });
  }
  return {
    envFile,
    envExample: join(folder, '.env.example'),
    parseConfig: parseProjectConfig,
    readConfig: (environment) => parseProjectConfig(mergeEnvironment(environment, readEnvFile(envFile))),
  };
}

export const PROJECT = projectIn(PROJECT_FOLDER);

function inFolder(folder: string, location: DatabaseLocation): DatabaseLocation {
  if (location.dialect !== 'sqlite' || location.file === ':memory:' || isAbsolute(location.file))
    return location;
  return { ...location, file: join(folder, location.file) };
}

import cluster from 'node:cluster';
import { ConfigError, type Environment } from '../config.ts';
import { writeFirstEnvFile } from './env-file.ts';
import { explainError } from './explain-error.ts';
import { createLogger } from './logger.ts';
import { PROJECT } from './project.ts';
import { serve } from './serve.ts';
import { runWorkers, tellPrimary } from './workers.ts';

/** Reads the settings and serves, or has workers serve. Says in words why it cannot, and ends the process with 1. */
export async function start(environment: Environment): Promise<void> {
  try {
    const firstStart =
      environment['NODE_ENV'] !== 'production' && writeFirstEnvFile(PROJECT.envFile, PROJECT.envExample);
    const config = PROJECT.readConfig(environment);
    const log = createLogger(config.logLevel);
    if (firstStart)
      log.info(
        { file: '.env' },
        'No .env was there: wrote one with fresh secrets (mode 0600). Keep a copy of it',
      );
    if (config.workers === 1 || cluster.isWorker) return await serve({ config, environment, log });
    const end = await runWorkers(config.workers, log);
    if (end.kind === 'gave_up') return fail(end.reason);
    process.exitCode = end.inOrder ? 0 : 1;
  } catch (error) {
    const reason =
      error instanceof ConfigError ? error.message : `Curfew could not start: ${explainError(error)}`;
    if (!cluster.isWorker) return fail(reason);
    await tellPrimary(reason);
    process.exit(1);
  }
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

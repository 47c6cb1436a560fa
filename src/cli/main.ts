import { useCompileCache } from '../boot/compile-cache.ts';
import { PROJECT_FOLDER } from '../boot/project-folder.ts';
import { systemClock } from '../core/clock.ts';
import { createTerminal } from './terminal.ts';

/** ioredis keeps a timer for two seconds after it could not connect; the shell need not wait for that. */
const LINGER_MS = 300;

// Before all the rest is loaded.
useCompileCache();
const { runCommandLine } = await import('./command-line.ts');

process.exitCode = await runCommandLine(process.argv.slice(2), {
  projectFolder: PROJECT_FOLDER,
  environment: process.env,
  terminal: createTerminal(process),
  clock: systemClock,
});
setTimeout(() => process.exit(), LINGER_MS).unref();

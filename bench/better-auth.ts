import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RESULTS_FOLDER } from './folders.ts';

const VERSION = '1.7.25';
const INSTALL_WITHIN_MS = 180_000;

const ENTRY = `export { betterAuth } from 'better-auth';
export { memoryAdapter } from 'better-auth/adapters/memory';
export { fromNodeHeaders } from 'better-auth/node';
`;

/** Installs better-auth into a folder of its own, once; returns the module that exports what the server needs of it. */
export async function installBetterAuth(): Promise<string> {
  const folder = join(RESULTS_FOLDER, `better-auth-${VERSION}`);
  const entry = join(folder, 'entry.mjs');
  if (existsSync(entry)) return entry;
  mkdirSync(folder, { recursive: true });
  const how = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
  await promisify(execFile)('npm', ['install', ...how, `better-auth@${VERSION}`], {
    timeout: INSTALL_WITHIN_MS,
  });
  writeFileSync(entry, ENTRY);
  return entry;
}

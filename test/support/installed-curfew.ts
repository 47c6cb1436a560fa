import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProject } from './copy-project.ts';
import { findFreePort } from './free-port.ts';
import { createScratchDirectory } from './scratch-directory.ts';

const PARTS = ['src', 'views', 'public', 'package.json', '.env.example'];
const READY_WITHIN_MS = 30_000;

/** A copy of the project in a folder of its own, started as a person would: with no .env and nothing else. */
export interface InstalledCurfew {
  readonly origin: string;
  readonly folder: string;
  readonly process: ChildProcess;
  output(): string;
  /** Changes a line of its .env, as an editor that writes the file in place. */
  setInEnvFile(name: string, value: string): void;
  stop(): Promise<void>;
}

export async function installCurfew(
  environment: Readonly<Record<string, string>> = {},
): Promise<InstalledCurfew> {
  const scratch = createScratchDirectory('installed');
  copyProject(scratch.path, PARTS);
  const port = String(await findFreePort());
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: scratch.path,
    env: { PATH: process.env['PATH'], PORT: port, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const endWithThisProcess = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithThisProcess);

  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!output.includes('Curfew is ready')) {
    if (child.exitCode !== null || performance.now() > giveUpAt)
      throw new Error(`Curfew did not start:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  const envFile = join(scratch.path, '.env');
  return {
    origin: `http://127.0.0.1:${port}`,
    folder: scratch.path,
    process: child,
    output: () => output,
    setInEnvFile(name, value) {
      const text = readFileSync(envFile, 'utf8');
      writeFileSync(envFile, text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`));
    },
    async stop() {
      process.off('exit', endWithThisProcess);
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      scratch.remove();
    },
  };
}

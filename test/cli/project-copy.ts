import { spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/storage/database.ts';
import { copyProject, linkIntoProject } from '../support/copy-project.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { type CliResult, type CommandOptions, runCommand } from './run-command.ts';

type Settings = Readonly<Record<string, string>>;

export interface ProcessResult extends CliResult {
  /** From the last output to the end, in milliseconds: what somebody waits for nothing. */
  readonly lingeredMs: number;
}

export interface ProcessOptions {
  readonly settings?: Settings;
  /** What comes in on standard input: a pipe, empty without this. */
  readonly input?: string;
  readonly cwd?: string;
}

/** A copy of the project with a .env and a database of its own, so that a test meets nobody's real ones. */
export interface ProjectCopy {
  readonly folder: string;
  readonly databaseFile: string;
  /** Settings for a server on the same database. */
  readonly settings: Settings;
  /** Makes the SQLite file, as the first start of the server does. */
  makeDatabase(): Promise<void>;
  writeEnvFile(text: string, mode?: number): void;
  /** Carries out a command in this process. */
  curfew(args: readonly string[], options?: Partial<CommandOptions>): Promise<CliResult>;
  /** Runs bin/curfew as a process of its own. */
  curfewProcess(args: readonly string[], options?: ProcessOptions): Promise<ProcessResult>;
  /** The same at a terminal, where somebody types `input`; what it prints is all in `stdout`. */
  curfewAtTerminal(args: readonly string[], input: string): Promise<ProcessResult>;
  remove(): void;
}

const COPIED = ['src', 'bin', '.env.example', 'package.json'];
const LINKED = ['views', 'public'];
const PARTS = new Set([...COPIED, ...LINKED, 'node_modules']);
/** Copies that no test uses now. In a folder where it ran before, a program starts in half the time: it is compiled. */
const unused: string[] = [];
/** Far more than any command takes: a process that does not end by itself fails its test. */
const KILL_AFTER_MS = 60_000;

/** Several processes start in most of these tests, and a busy machine takes seconds for each. */
export const CLI_TEST_TIMEOUT_MS = 90_000;

export function createProjectCopy(given: Settings = {}): ProjectCopy {
  const folder = unused.pop() ?? copyIntoFolder();
  const databaseFile = join(folder, 'data/curfew.db');
  const settings = { ...TEST_SECRETS, DATABASE_URL: `sqlite:${databaseFile}`, ...given };
  const program = join(folder, 'bin/curfew');

  return {
    folder,
    databaseFile,
    settings,
    async makeDatabase() {
      await (await openDatabase({ dialect: 'sqlite', file: databaseFile })).close();
    },
    writeEnvFile(text, mode = 0o600) {
      writeFileSync(join(folder, '.env'), text, { mode });
    },
    curfew: (args, options = {}) => runCommand(args, { folder, settings, ...options }),
    curfewProcess: (args, options = {}) => run(program, args, { settings, cwd: '/', ...options }),
    curfewAtTerminal: (args, input) =>
      run('script', ['-qec', [program, ...args].join(' '), '/dev/null'], { settings, cwd: '/', input }),
    remove: () => giveBack(folder),
  };
}

function copyIntoFolder(): string {
  const { path } = createScratchDirectory('cli');
  copyProject(path, COPIED);
  linkIntoProject(path, LINKED);
  return path;
}

/** With nothing left of what was made in it. */
function giveBack(folder: string): void {
  if (unused.includes(folder)) return;
  for (const name of readdirSync(folder))
    if (!PARTS.has(name)) rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  unused.push(folder);
}

function run(program: string, args: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  const { settings = {}, input = '', cwd = '/' } = options;
  let lastOutputAt = performance.now();
  return new Promise((done, reject) => {
    const child = spawn(program, args, { cwd, env: { PATH: process.env['PATH'], ...settings } });
    const killer = setTimeout(() => child.kill('SIGTERM'), KILL_AFTER_MS);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
      lastOutputAt = performance.now();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
      lastOutputAt = performance.now();
    });
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(killer);
      done({ status, ...output, lingeredMs: performance.now() - lastOutputAt });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

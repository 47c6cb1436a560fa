import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Stands in its output once it accepts connections. Its own words: another server on the port is not mistaken for it. */
  readonly ready: RegExp;
  /** Ends it when this process ends without having done so. */
  readonly orphanSignal: NodeJS.Signals;
  /** Whom it runs as, where that is not this process's user. */
  readonly user?: SystemUser | undefined;
  /** Variables over those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets everything that it writes. */
  readonly onOutput?: (text: string) => void;
}

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** How a process went: its exit code, or the signal that ended it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<ProcessEnd>;
  hasEnded(): boolean;
  /** Sends the signal and waits; SIGKILL when it takes more than five seconds. Harmless when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const READY_WITHIN_MS = 20_000;
const END_WITHIN_MS = 5_000;
const SETPRIV = '/usr/bin/setpriv';

/** Starts a server and waits until it is ready. Throws with its output when it ends first or takes over 20 s. */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const child = spawnServer(command);
  const { onOutput } = command;
  if (onOutput !== undefined) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
  }
  const endWithThisProcess = () => void child.kill(command.orphanSignal);
  process.once('exit', endWithThisProcess);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', endWithThisProcess);
      resolve({ code, signal });
    });
  });
  await untilReady(child, command);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return { pid: child.pid ?? 0, ended, hasEnded, end: (signal) => end(child, signal) };
}

/** On Linux bound to the life of this process: a test run that is killed outright runs no teardown. */
function spawnServer({ command, args, orphanSignal, user, env: own }: ServerCommand): ChildProcess {
  const env = { ...process.env, LC_ALL: 'C', ...own };
  if (!existsSync(SETPRIV)) return spawn(command, args, { env, cwd: '/', ...user });
  const drop = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const bind = `--pdeathsig=${orphanSignal.replace('SIG', '')}`;
  return spawn(SETPRIV, [...drop, bind, '--', command, ...args], { env, cwd: '/' });
}

function untilReady(child: ChildProcess, { command, ready }: ServerCommand): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (!ready.test(output)) return;
      clearTimeout(timer);
      // Read on, or the server stops when the pipe is full; keep nothing.
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read).resume();
      resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${command} ended (${signal ?? code}) before it was ready:\n${output}`));
    });
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill(signal);
  // A stopped process takes no signal but SIGKILL before it goes on.
  child.kill('SIGCONT');
  const late = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
  await closed;
  clearTimeout(late);
}

import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface ChildOptions {
  /** The absolute path of the module that it runs. */
  readonly module: string;
  /** The one CPU that it may use. */
  readonly cpu: number | undefined;
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A Node process that answers questions, one at a time. */
export interface Child {
  /** Rejects when the child ends before it has answered; what it wrote on its error stream says why. */
  ask<Answer>(question: object): Promise<Answer>;
  stop(): Promise<void>;
}

const STOP_WITHIN_MS = 12_000;

/** Starts it in production mode, and with nothing else of this process's environment than the PATH. */
export function startChild({ module, cpu, nodeFlags = [], env = {} }: ChildOptions): Child {
  const node = cpu === undefined ? [] : ['--cpu-list', String(cpu), process.execPath];
  const child = fork(module, [], {
    execPath: cpu === undefined ? process.execPath : 'taskset',
    execArgv: [...node, ...nodeFlags],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error(`${module} has ended`)));

  return {
    async ask<Answer>(question: object) {
      child.send(question);
      const [answer] = (await once(child, 'message', { signal: ended.signal })) as [Answer];
      return answer;
    },
    async stop() {
      if (ended.signal.aborted) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(late);
    },
  };
}

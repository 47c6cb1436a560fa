import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { findFreePort } from '../test/support/free-port.ts';
import { NO_RATE_LIMITS, TEST_SECRETS } from '../test/support/test-server.ts';
import { type ChildOptions, startChild } from './child-process.ts';
import { BENCH_FOLDER, SOURCE_FOLDER } from './folders.ts';
import type { Question, Usage } from './servers/usage-reporter.ts';

/** A server under test, in a process of its own. */
export interface BenchServer {
  readonly origin: string;
  usage(): Promise<Usage>;
  ask<Answer>(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

const REPORTER = pathToFileURL(join(BENCH_FOLDER, 'servers/usage-reporter.ts')).href;
/** As in `npm start`. */
export const CURFEW_FLAGS = ['--max-semi-space-size=4'];
const READY_WITHIN_MS = 60_000;

/** Curfew itself, as it starts in production, with every part on; `env` names its databases. */
export function startCurfew(cpu: number | undefined, env: Readonly<Record<string, string>>) {
  const module = join(SOURCE_FOLDER, 'main.ts');
  return startServer({ module, cpu, nodeFlags: CURFEW_FLAGS, env: curfewSettings(env) });
}

/** All that a .env of this machine could otherwise decide, and `env`. */
export function curfewSettings(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    ...TEST_SECRETS,
    HOST: '127.0.0.1',
    SESSION_EXPIRY_TIME: '03:00',
    SESSION_IDLE_TIMEOUT: '30m',
    MAX_SESSIONS_PER_USER: '9999',
    SECOND_FACTOR: 'off',
    LOGIN_RATE_LIMIT: '1000000/minute',
    API_RATE_LIMIT: '1000000/minute',
    ...NO_RATE_LIMITS,
    SANDBOX_BROKER: 'off',
    LOG_LEVEL: 'info',
    ...env,
  };
}

/** One of the apps in `servers/`. */
export function startApp(name: string, cpu: number | undefined, env: Readonly<Record<string, string>> = {}) {
  return startServer({ module: join(BENCH_FOLDER, `servers/${name}.ts`), cpu, env });
}

async function startServer({ nodeFlags = [], env = {}, ...options }: ChildOptions): Promise<BenchServer> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = startChild({
    ...options,
    nodeFlags: [...nodeFlags, '--import', REPORTER],
    env: { PORT: String(port), BASE_URL: origin, ...env },
  });
  await untilItAnswers(origin);
  return {
    origin,
    usage: () => child.ask<Usage>({ ask: 'usage' }),
    ask: (question) => child.ask(question),
    stop: () => child.stop(),
  };
}

async function untilItAnswers(origin: string): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await (await fetch(`${origin}/assets/curfew.svg`)).body?.cancel();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw new Error(`${origin} does not answer`, { cause: error });
      await wait(50);
    }
  }
}

import { inject } from 'vitest';
import { onFreePort } from '../../support/free-port.ts';
import { type ProcessEnd, type ServerProcess, startServerProcess } from '../../support/server-process.ts';
import { TEST_SECRETS } from '../../support/test-server.ts';

/** The server in a process of its own: the sources as they are, bundled once for all nodes of a run. */
export interface NodeProcess {
  readonly origin: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process that runs now has ended. */
  readonly ended: Promise<ProcessEnd>;
  hasEnded(): boolean;
  /** Starts it again on its port, after it ended. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void;
  /** The last of what it wrote. */
  logTail(): string;
}

export interface NodeOptions {
  /** Settings of the contract, over those that every node of the tests has. */
  readonly env: Readonly<Record<string, string>>;
  /** Another program than the project's own: for mutants. */
  readonly main?: string;
}

/** Starts it and waits until it serves. */
export async function startNode({
  env,
  main = inject('bundledServer').main,
}: NodeOptions): Promise<NodeProcess> {
  let written = '';
  const startOn = (port: number): Promise<ServerProcess> =>
    startServerProcess({
      command: process.execPath,
      args: [main],
      ready: /Curfew is ready/,
      orphanSignal: 'SIGKILL',
      onOutput: (text) => {
        written = (written + text).slice(-LOG_KEPT);
      },
      env: { ...BASE, PORT: String(port), BASE_URL: `http://127.0.0.1:${port}`, ...env },
    });

  let port = 0;
  let running = await onFreePort((freePort) => {
    port = freePort;
    return startOn(port);
  });

  return {
    get origin() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get pid() {
      return running.pid;
    },
    get ended() {
      return running.ended;
    },
    hasEnded: () => running.hasEnded(),
    async start() {
      running = await startOn(port);
    },
    kill: () => running.end('SIGKILL'),
    signal: (signal) => void process.kill(running.pid, signal),
    logTail: () => written,
  };
}

const LOG_KEPT = 100_000;

/** NODE_ENV=production: a test must never write a .env. The limits are out of the way, the cutoff far from any test. */
const BASE = {
  ...TEST_SECRETS,
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  SECOND_FACTOR: 'off',
  LOGIN_RATE_LIMIT: '100000/minute',
  PAGE_RATE_LIMIT: '1000000/minute',
  SECURITY_RATE_LIMIT: '1000000/minute',
  POLL_RATE_LIMIT: '1000000/minute',
  PUBLIC_RATE_LIMIT: '1000000/minute',
  PROGRAM_RATE_LIMIT: '1000000/minute',
  SOCKET_RATE_LIMIT: '1000000/minute',
  SOCKETS_PER_USER: '1000',
  SOCKET_SUBSCRIPTIONS: '9999',
  MAX_SESSIONS_PER_USER: '1000',
  SESSION_EXPIRY_TIME: 'off',
  SESSION_IDLE_TIMEOUT: 'off',
  SANDBOX_BROKER: 'on',
  WEB_CONCURRENCY: '1',
  SHUTDOWN_DELAY: 'off',
  TRUST_PROXY: '',
  CORS_ORIGINS: '',
  LOG_LEVEL: 'info',
} as const;

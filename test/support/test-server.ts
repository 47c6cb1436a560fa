import { once } from 'node:events';
import { createServer } from 'node:http';
import type { HashCost } from '../../src/accounts/password-hasher.ts';
import { createApp } from '../../src/app.ts';
import { connect, type Infrastructure } from '../../src/boot/connect.ts';
import { createLogger } from '../../src/boot/logger.ts';
import type { BrokerAdapter } from '../../src/broker/broker-adapter.ts';
import { compose, type Services } from '../../src/compose.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { listenForUpgrades } from '../../src/http/upgrade.ts';
import type { CheckedSecret } from '../../src/storage/secret-checks.ts';
import { findFreePort } from './free-port.ts';
import { memoryLocation } from './memory-location.ts';

export interface TestServer {
  readonly origin: string;
  readonly config: Config;
  readonly infrastructure: Infrastructure;
  readonly services: Services;
  /** Every log line so far, as text. */
  logText(): string;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly clock?: Clock;
  /** As browsers call it: passkeys want a name, and cookies of a domain a name below that. */
  readonly hostname?: '127.0.0.1' | 'localhost' | 'curfew.desk.test';
  /** Settings of the contract, over those that a test server has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the sweep, the idle watch and the outbox run by themselves. Off: tests with a settable clock call them. */
  readonly jobs?: boolean;
  readonly changedSecrets?: readonly CheckedSecret[];
  /** Other than the light one: for tests of how long a hash takes. */
  readonly hashCost?: HashCost;
  /** Other brokers than the ones that Curfew comes with; some must know where the server will be. */
  readonly adapters?: readonly BrokerAdapter[] | ((origin: string) => Promise<readonly BrokerAdapter[]>);
}

/** Secrets for tests only. */
export const TEST_SECRETS = {
  SESSION_SECRET: 'b1946ac92492d2347c6235b4d2611184b1946ac9',
  ENCRYPTION_KEY: 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=',
  PEPPER: 'a591a6d40bf420404a011733cfb7b190d62c65bf',
} as const;

/** Tests and benchmarks ask faster than people, and from one address; those of limits set their own. */
export const NO_RATE_LIMITS = {
  API_USER_RATE_LIMIT: '1000000/minute',
  PAGE_RATE_LIMIT: '1000000/minute',
  SECURITY_RATE_LIMIT: '1000000/minute',
  POLL_RATE_LIMIT: '1000000/minute',
  PUBLIC_RATE_LIMIT: '1000000/minute',
  PROGRAM_RATE_LIMIT: '1000000/minute',
} as const;

/** A twentieth of production's memory, so that a sign-in takes a millisecond. Tests of hashing take the real cost. */
const LIGHT_HASHES = { memoryCost: 1024, timeCost: 2, parallelism: 1 };

/** The real server on a real port: real stores, CSRF on, nothing replaced but the clock and the cost of a hash. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { clock = systemClock, hostname = '127.0.0.1', env = {}, jobs = false } = options;
  const port = await findFreePort();
  const origin = `http://${hostname}:${port}`;
  const adapters = typeof options.adapters === 'function' ? await options.adapters(origin) : options.adapters;
  const config = parseConfig({
    ...TEST_SECRETS,
    PORT: String(port),
    ...(hostname === '127.0.0.1' ? {} : { BASE_URL: origin }),
    DATABASE_URL: 'sqlite::memory:',
    LOGIN_RATE_LIMIT: '1000/minute',
    // Tests sign in as administrators with a password alone; those of the second factor set their own.
    SECOND_FACTOR: 'off',
    ...NO_RATE_LIMITS,
    LOG_LEVEL: 'debug',
    ...env,
  });
  const lines: string[] = [];
  const log = createLogger(config.logLevel, { write: (line) => void lines.push(line) });
  const infrastructure = await connect(withCopiedTables(config), clock, log);
  const services = compose({
    config,
    infrastructure,
    log,
    internalOrigin: () => origin,
    changedSecrets: options.changedSecrets ?? [],
    hashCost: options.hashCost ?? LIGHT_HASHES,
    ...(adapters === undefined ? {} : { adapters }),
  });
  await services.gateway.rules.load();
  const app = createApp(services);
  const server = createServer(app);
  listenForUpgrades(server, app, services.handshakes);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  if (jobs) services.jobs.start();

  return {
    origin,
    config,
    infrastructure,
    services,
    logText: () => lines.join(''),
    async close() {
      server.closeAllConnections();
      server.close();
      await services.jobs.stop();
      await infrastructure.close();
    },
  };
}

function withCopiedTables(config: Config): Config {
  const { database } = config;
  const isInMemory = database.dialect === 'sqlite' && database.file === ':memory:';
  return isInMemory ? { ...config, database: memoryLocation() } : config;
}

import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import { type Config, ConfigError } from './config.ts';
import { systemClock } from './core/clock.ts';
import { SECOND_MS } from './core/duration.ts';
import { readEnvFile, watchEnvFile, writeFirstEnvFile } from './env-file.ts';
import { createLiveSettings } from './live-settings.ts';
import { createLogger } from './logger.ts';
import { openPorts } from './ports.ts';
import { ENV_EXAMPLE, ENV_FILE, parseProjectConfig, readSettings } from './project-files.ts';
import { createServices, type Services } from './services.ts';
import { runWorkers } from './workers.ts';

const SHUTDOWN_MS = 10 * SECOND_MS;
const CLOSE_IDLE_EVERY_MS = 0.1 * SECOND_MS;

/** Longer than a proxy keeps its idle connections, so that it is never the server that closes first. */
const KEEP_ALIVE_MS = 75 * SECOND_MS;

await start();

async function start(): Promise<void> {
  try {
    const firstStart = process.env['NODE_ENV'] !== 'production' && writeFirstEnvFile(ENV_FILE, ENV_EXAMPLE);
    const config = parseProjectConfig(readSettings(process.env));
    const log = createLogger(config.logLevel);
    if (firstStart)
      log.info(
        { file: '.env' },
        'No .env was there: wrote one with fresh secrets (mode 0600). Keep a copy of it',
      );
    if (config.workers > 1 && cluster.isPrimary) await runWorkers(config.workers, log);
    else await serve(config, log);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  }
}

async function serve(config: Config, log: Logger): Promise<void> {
  const ports = await openPorts(config, systemClock, log);
  const server = createServer();
  const internalOrigin = (): string => originOf(server, config.host);
  const services = createServices({ config, ports, log, internalOrigin });
  server.on('request', createApp(services));
  server.keepAliveTimeout = KEEP_ALIVE_MS;

  await services.jobs.catchUp();
  server.listen(config.port, config.host);
  await once(server, 'listening');
  services.jobs.start();
  const stopWatching = watchSettings(services);
  log.info({ address: internalOrigin() }, `Curfew is ready: open ${config.baseUrl}`);

  const shutDown = async (signal: string): Promise<void> => {
    // Before anything that could throw or hang: whoever says SIGTERM gets an end.
    setTimeout(() => process.exit(1), config.shutdownDelayMs + SHUTDOWN_MS).unref();
    log.info({ signal }, 'Closing: not ready for new requests, those in progress are finished');
    services.draining.begin();
    stopWatching();
    await sleep(config.shutdownDelayMs);
    await closeServer(server);
    await services.jobs.stop();
    await ports.close();
    log.info({ signal }, 'Closed');
    // Its line to the primary process would keep a worker alive.
    cluster.worker?.disconnect();
  };
  // The last resort (ASVS 16.5.4): what no handler caught is written down, and everybody else is served on.
  process.on('unhandledRejection', (err) => log.error({ err }, 'A promise was rejected and nobody noticed'));
  process.once('SIGTERM', (signal) => void shutDown(signal));
  process.once('SIGINT', (signal) => void shutDown(signal));
}

/** Refuses new connections, and waits for the requests in flight. What they leave open is closed as soon as it is idle. */
async function closeServer(server: Server): Promise<void> {
  server.close();
  const closingIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  await once(server, 'close');
  clearInterval(closingIdle);
}

/** SESSION_EXPIRY_TIME and SESSION_IDLE_TIMEOUT follow .env while the server runs: when it is saved, and on SIGHUP. */
function watchSettings({ policy, registry, audit, log }: Services): () => void {
  const readFile = () => readEnvFile(ENV_FILE);
  const storeUses = () => registry.flush({ all: true });
  const reload = createLiveSettings({ policy, environment: process.env, readFile, storeUses, audit, log });
  const safely = (): void =>
    void reload().catch((err: unknown) => log.error({ err }, 'The settings could not be read again'));
  const watch = watchEnvFile(ENV_FILE, safely);
  process.on('SIGHUP', safely);
  return () => {
    watch.stop();
    process.off('SIGHUP', safely);
  };
}

function originOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE')
    return `${error.message}. Another program uses this port: stop it, or set PORT in .env.`;
  const cause = error.cause instanceof Error ? `\n  ${error.cause.message}` : '';
  return `Curfew could not start: ${error.message}${cause}`;
}

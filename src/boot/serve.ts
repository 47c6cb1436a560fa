import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import { createApp } from '../app.ts';
import { compose, type Services } from '../compose.ts';
import type { Config, Environment } from '../config.ts';
import { systemClock } from '../core/clock.ts';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { FORM_LIMITS, UPLOAD_WITHIN_MS } from '../http/body-limits.ts';
import { listenForUpgrades } from '../http/upgrade.ts';
import { checkSecrets } from './check-secrets.ts';
import { connect } from './connect.ts';
import { readEnvFile, unknownNames, watchTextFile } from './env-file.ts';
import { createLiveSettings } from './live-settings.ts';
import { PROJECT } from './project.ts';
import { createShutDown } from './shutdown.ts';
import { warnOfAddresses, warnOfClock, warnOfOtherProcess } from './start-warnings.ts';

/** Longer than a proxy keeps its idle connections, so that it is never the server that closes first. */
const KEEP_ALIVE_MS = 75 * SECOND_MS;

/** One look at the event loop every so often: as security/watch/event-loop.ts does, a quarter of a per cent of a processor. */
const LOOP_RESOLUTION_MS = 20;

/** Of any request; http/body-limits.ts has narrower ones. Node looks this often which are over. */
const TIMEOUTS = {
  headersTimeout: FORM_LIMITS.withinMs,
  requestTimeout: UPLOAD_WITHIN_MS + MINUTE_MS,
  connectionsCheckingInterval: 2 * SECOND_MS,
};

export interface ServeOptions {
  readonly config: Config;
  /** The environment that the process was started with: it wins over .env, also when that is read again. */
  readonly environment: Environment;
  readonly log: Logger;
}

/** Connects, catches up, listens, and closes on SIGTERM or SIGINT. Rejects when it could not begin. */
export async function serve({ config: given, environment, log }: ServeOptions): Promise<void> {
  const server = createServer(TIMEOUTS);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const asStarted = readEnvFile(PROJECT.envFile);
  for (const name of unknownNames(asStarted))
    log.warn({ name }, `${name} in .env is no setting: is it misspelt? .env.example lists all`);
  warnOfAddresses(given, log);
  const config = await withRealPort(given, server);
  warnOfOtherProcess(config, log);
  const infrastructure = await connect(config, systemClock, log);
  const internalOrigin = (): string => originOf(server, config.host);
  const changedSecrets = await checkSecrets(infrastructure, config, log);
  const services = compose({ config, infrastructure, log, internalOrigin, changedSecrets });
  const { jobs, draining } = services;
  // Of the process, and not of a server: nothing ends them before the process does.
  collectDefaultMetrics({ register: services.metrics, eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS });

  await services.gateway.rules.load();
  await warnOfClock(services);
  await jobs.catchUp();
  const app = createApp(services);
  server.on('request', app);
  listenForUpgrades(server, app, services.handshakes);
  const settings = watchSettings(services, environment, asStarted);
  // Edited while this process connected and caught up.
  if (JSON.stringify(readEnvFile(PROJECT.envFile)) !== JSON.stringify(asStarted)) settings.reload();
  // The last resort (ASVS 16.5.4): what no handler caught is logged, and all other requests are served on.
  process.on('unhandledRejection', (err) => log.error({ err }, 'Unhandled promise rejection'));
  // From the first request on.
  const shutDown = createShutDown({
    server,
    delayMs: config.shutdownDelayMs,
    begin() {
      draining.begin();
      settings.stop();
    },
    async finish() {
      await jobs.stop();
      await infrastructure.close();
    },
    log,
  });
  process.on('SIGTERM', shutDown);
  process.on('SIGINT', shutDown);
  await listen(server, config);
  jobs.start();
  log.info({ address: internalOrigin() }, `Curfew is ready: open ${config.baseUrl}`);
  if (await services.accounts.needsSetup())
    log.info(
      {},
      `Create the first account at ${config.baseUrl}/setup. Where BASE_URL or the browser is not on this machine it asks for this setup token: ${services.accounts.setupToken}`,
    );
}

/** With PORT=0 the system chooses the port. BASE_URL must name it before anything is made that goes by BASE_URL. */
async function withRealPort(config: Config, server: Server): Promise<Config> {
  if (!config.baseUrl.endsWith(':0')) return config;
  await listen(server, config);
  return Object.freeze({ ...config, baseUrl: config.baseUrl.replace(/0$/, String(portOf(server))) });
}

async function listen(server: Server, { port, host }: Config): Promise<void> {
  if (server.listening) return;
  server.listen(port, host);
  await once(server, 'listening');
}

/**
 * SESSION_EXPIRY_TIME and SESSION_IDLE_TIMEOUT follow .env while the server runs, and the gateway its file of rules: when
 * they are saved, and on SIGHUP.
 */
function watchSettings(
  { policy, registry, audit, log, gateway }: Services,
  environment: Environment,
  atStart: Environment,
) {
  const readFile = () => readEnvFile(PROJECT.envFile);
  const storeUses = () => registry.flush({ all: true });
  const reload = createLiveSettings({ policy, environment, readFile, atStart, storeUses, audit, log });
  const safely = (work: () => Promise<void>) => (): void =>
    void work().catch((err: unknown) => log.error({ err }, 'The settings could not be read again'));
  const readEnv = safely(reload);
  const readRules = safely(gateway.rules.reload);
  const watches = [
    watchTextFile(PROJECT.envFile, readEnv),
    ...(gateway.rules.file === undefined ? [] : [watchTextFile(gateway.rules.file, readRules)]),
  ];
  process.on('SIGHUP', readEnv);
  process.on('SIGHUP', readRules);
  return {
    reload: readEnv,
    stop() {
      for (const watch of watches) watch.stop();
      process.off('SIGHUP', readEnv);
      process.off('SIGHUP', readRules);
    },
  };
}

function originOf(server: Server, host: string): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${portOf(server)}`;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
